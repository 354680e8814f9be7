//! The texts below `/proc`, as numbers. Pure: the files are read elsewhere.

/// Ticks of all processors since the boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuTicks {
    busy: u64,
    total: u64,
}

impl CpuTicks {
    /// From the first line of `/proc/stat`.
    pub(crate) fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        // user nice system idle iowait irq softirq steal; guest times are within user and nice.
        let ticks = ticks.get(..8.min(ticks.len()))?;
        let idle = ticks.get(3)? + ticks.get(4).unwrap_or(&0);
        let total: u64 = ticks.iter().sum();
        Some(Self {
            busy: total.saturating_sub(idle),
            total,
        })
    }

    /// How busy they were since an earlier reading, in percent; `None` if no time has passed.
    pub(crate) fn usage_since(self, earlier: Self) -> Option<f64> {
        let total = self
            .total
            .checked_sub(earlier.total)
            .filter(|&total| total > 0)?;
        let busy = self.busy.saturating_sub(earlier.busy).min(total);
        #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
        Some(busy as f64 / total as f64 * 100.0)
    }
}

/// The three load averages of `/proc/loadavg`.
pub(crate) fn load_averages(text: &str) -> Option<[f64; 3]> {
    let mut numbers = text.split_whitespace().map(|word| word.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

/// A field such as `MemTotal:  123 kB` of `/proc/meminfo` or `/proc/self/status`, in bytes.
pub(crate) fn kilobytes(text: &str, field: &str) -> Option<u64> {
    number(text, field)?.checked_mul(1024)
}

/// A field with a plain number, such as `Threads: 7`.
pub(crate) fn number(text: &str, field: &str) -> Option<u64> {
    let mut lines = text.lines();
    let rest = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The soft limit of open files in `/proc/self/limits`; `u64::MAX` where there is none.
pub(crate) fn descriptor_limit(text: &str) -> Option<u64> {
    let rest = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match rest.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        word => word.parse().ok(),
    }
}

/// Seconds since the boot, from `/proc/uptime`.
pub(crate) fn uptime_s(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Ticks from the boot to the start of the process, from `/proc/self/stat`.
pub(crate) fn start_ticks(stat: &str) -> Option<u64> {
    // The process's name stands in parentheses and may itself hold spaces and parentheses.
    let behind_name = &stat[stat.rfind(')')? + 1..];
    behind_name.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_usage_is_a_difference() {
        let at = |text| CpuTicks::parse(text).unwrap();
        let first = at("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1\nbtime 5\n");
        let second = at("cpu  150 0 150 750 150 0 0 0 99 0\n");
        assert_eq!(
            first,
            CpuTicks {
                busy: 200,
                total: 1000
            }
        );
        assert_eq!(second.usage_since(first), Some(50.0));
        assert_eq!(first.usage_since(first), None);
        assert_eq!(
            first.usage_since(second),
            None,
            "counters that went back say nothing"
        );
        assert_eq!(CpuTicks::parse("cpu  1 2\n"), None);
        assert_eq!(CpuTicks::parse("intr 1\n"), None);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text =
            "MemTotal:       2048 kB\nMemTotalX: 1 kB\nMemAvailable:   1024 kB\nThreads:\t7\n";
        assert_eq!(kilobytes(text, "MemTotal"), Some(2048 * 1024));
        assert_eq!(kilobytes(text, "Mem"), None);
        assert_eq!(number(text, "Threads"), Some(7));
        assert_eq!(
            kilobytes("MemTotal: 99999999999999999 kB", "MemTotal"),
            None
        );
    }

    #[test]
    fn other_texts() {
        assert_eq!(
            load_averages("0.52 1.00 2.25 1/200 77\n"),
            Some([0.52, 1.0, 2.25])
        );
        assert_eq!(load_averages("0.52 x"), None);
        let limits = "Limit  Soft  Hard  Units\nMax open files   1024   524288   files\n";
        assert_eq!(descriptor_limit(limits), Some(1024));
        assert_eq!(
            descriptor_limit("Max open files  unlimited unlimited files"),
            Some(u64::MAX)
        );
        assert_eq!(uptime_s("12345.67 999.0\n"), Some(12_345.67));
        let fields: Vec<String> = (3..30).map(|field| field.to_string()).collect();
        let stat = format!("7 (a ) b) {}", fields.join(" "));
        assert_eq!(start_ticks(&stat), Some(22), "field 22 of the manual page");
        assert_eq!(start_ticks("7 no name"), None);
    }
}
