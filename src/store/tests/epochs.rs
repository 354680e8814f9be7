//! Samples and the lives that they are of, where a source is told anew between them.

use super::*;

/// A device of a node below, told in the life `counter` of that node.
fn device(store: &Store, link: SourceId, counter: u32) -> SourceId {
    let new = NewSource {
        parent: Some(link),
        node: NodeId(uuid::Uuid::from_u128(8)),
        name: "plc".into(),
        role: Role::Adapter,
        epoch: Epoch {
            counter,
            random: u64::from(counter),
        },
        quality: Quality::GOOD,
        complete: true,
        remote_id: Some(4),
    };
    store.put_mirror_source(new, false).id
}

struct Below {
    store: Arc<Store>,
    link: SourceId,
    point: PointId,
}

fn below() -> Below {
    let (store, _) = setup(1, 1 << 20);
    let link = store.put_own_source(None, "line1", Role::Link, Quality::GOOD, true);
    let source = device(&store, link, 2);
    let name = Name::new("line1.plc.x").unwrap();
    let definition = Definition::new(Scalar::F64);
    let point = store.define_mirror(source, &name, definition, 1).unwrap();
    Below { store, link, point }
}

impl Below {
    fn put(&self, epoch: u32, origin: u64) {
        let row = MirrorRow {
            point: self.point,
            quality: Quality::GOOD,
            epoch,
            origin,
            time: 1,
            value: Some(Value::F64(1.0)),
        };
        self.store
            .apply_mirror(self.link, &mut vec![row], false, None);
    }

    /// The lives of the rows that a reader understands who knows what it was told so far.
    fn understood(&self, reader: &mut Reader, known: &mut u32) -> Vec<(u32, u64)> {
        let mut chunk = Chunk::default();
        let mut found = Vec::new();
        for _ in 0..100 {
            let progress = reader.read(&self.store, &mut chunk, 1);
            understand(&chunk, known, &mut found);
            if progress == Progress::AtHead {
                return found;
            }
        }
        panic!("the reader does not come to the head");
    }
}

fn understand(chunk: &Chunk, known: &mut u32, found: &mut Vec<(u32, u64)>) {
    let mut rows = chunk.rows.iter();
    for item in &chunk.items {
        match item {
            Item::Source(frame) if frame.name == "plc" => *known = frame.epoch.counter,
            Item::Rows { count, .. } => {
                let told = rows.by_ref().take(*count);
                found.extend(told.map(|row| (row.epoch.unwrap_or(*known), row.origin)));
            }
            _ => {}
        }
    }
}

// Seed 118 of the simulation: such a row was taken for one of the life before and dropped, and its
// datapoint stayed as it was until it changed again.
#[test]
fn a_sample_that_is_told_ahead_of_its_sources_new_life_is_of_that_life() {
    for delivery in [Delivery::Latest, Delivery::Every] {
        let below = below();
        below.put(2, 900);
        let mut reader = Reader::snapshot(Filter::everything(), delivery);
        let mut known = 0;
        assert_eq!(below.understood(&mut reader, &mut known), [(2, 900)]);
        below.put(2, 901);
        device(&below.store, below.link, 3);
        below.put(3, 7);
        let told = below.understood(&mut reader, &mut known);
        assert_eq!(told.last(), Some(&(3, 7)), "{delivery:?}");
    }
}

#[test]
fn a_snapshot_in_whose_middle_a_source_begins_a_new_life_tells_both_as_they_are() {
    let below = below();
    below.put(2, 900);
    let mut reader = every();
    let mut chunk = Chunk::default();
    let (mut known, mut found) = (0, Vec::new());
    reader.read(&below.store, &mut chunk, 1);
    understand(&chunk, &mut known, &mut found);
    assert_eq!((known, found.len()), (2, 0), "sources come first");
    device(&below.store, below.link, 3);
    below.put(3, 7);
    let told = below.understood(&mut reader, &mut known);
    assert!(told.iter().all(|told| *told == (3, 7)), "{told:?}");
}

#[test]
fn who_keeps_rows_back_has_their_lives_with_them() {
    let below = below();
    below.put(2, 900);
    let mut reader = every().naming_epochs();
    let mut chunk = Chunk::default();
    let mut epochs = Vec::new();
    for _ in 0..20 {
        reader.read(&below.store, &mut chunk, 1);
        epochs.extend(chunk.rows.iter().map(|row| row.epoch));
    }
    below.put(2, 901);
    reader.read(&below.store, &mut chunk, 1);
    epochs.extend(chunk.rows.iter().map(|row| row.epoch));
    assert_eq!(epochs, [Some(2), Some(2)]);
}
