//! Who may set a clock, on machines made of files. The call that sets this machine's is made by no
//! test: where it is reached at all, the process has no right to it.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const ALL_RIGHTS: &str = "000001ffffffffff";
const ALL_BUT_CLOCKS: &str = "000001fffdffffff";

/// A machine as `/proc` and `/run` tell of it.
struct Files(tempfile::TempDir);

impl Files {
    fn new(rights: &str, processes: &[&str]) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.put(
            "proc/self/status",
            &format!("Name:\tnode\nCapEff:\t{rights}\n"),
        );
        for (index, process) in processes.iter().enumerate() {
            files.put(&format!("proc/{}/comm", index + 1), &format!("{process}\n"));
        }
        files
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn check(&self) -> Result<(), String> {
        let clock = MachineClock {
            proc: self.0.path().join("proc"),
            run: self.0.path().join("run"),
        };
        clock.check().map_err(|error| error.code().to_owned())
    }
}

#[test]
fn the_right_comes_first() {
    assert_eq!(Files::new(ALL_RIGHTS, &["systemd"]).check(), Ok(()));
    let without = Files::new(ALL_BUT_CLOCKS, &["systemd"]).check();
    assert_eq!(without, Err("no_clock_right".into()));
    let unreadable = Files::new("what is this", &["systemd"]).check();
    assert_eq!(unreadable, Err("no_clock_right".into()));
}

#[test]
fn what_a_time_service_keeps_is_not_set() {
    for service in TIME_SERVICES {
        let files = Files::new(ALL_RIGHTS, &["systemd", "sshd", service]);
        assert_eq!(files.check(), Err("clock_disciplined".into()), "{service}");
    }
    for trace in TIME_SERVICE_TRACES {
        let files = Files::new(ALL_RIGHTS, &["systemd"]);
        files.put(&format!("run/{trace}/in"), "");
        assert_eq!(files.check(), Err("clock_disciplined".into()), "{trace}");
    }
}

#[test]
fn a_machine_that_hides_its_processes_is_not_trusted() {
    let hidden = Files::new(ALL_RIGHTS, &[]);
    assert_eq!(hidden.check(), Err("clock_unseen".into()));
}

#[test]
fn a_time_that_no_clock_has_is_refused() {
    struct Untouched;
    impl WallClock for Untouched {
        fn check(&self) -> Result<(), SetError> {
            Ok(())
        }
        fn set(&mut self, to: Timestamp) -> io::Result<()> {
            panic!("it was set to {to}")
        }
    }
    for to in [0, i64::MIN, i64::MAX, -NOW.micros()] {
        let refused = set(&mut Untouched, Timestamp::from_micros(to));
        assert!(matches!(refused, Err(SetError::Implausible(_))), "{to}");
    }
}
