//! Several nodes: what a link does with an order is done here by the test.

use super::*;
use crate::reason;

/// A write as it comes over a link.
fn from_link(order: &Order, deadline: mainstem_model::Monotonic) -> Request {
    let mut value = Vec::new();
    mainstem_wire::write_value(&order.value, &mut value);
    Request {
        space: match order.target {
            Target::Point(_) => Space::Datapoint,
            Target::Variable => Space::Variable,
        },
        name: order.name.to_string(),
        value: raw(std::str::from_utf8(&value).unwrap()),
        pulse: order.pulse,
        key: None,
        budget: Duration::ZERO,
        entry: Entry::Link {
            principal: principal("above", false),
            id: order.id,
            deadline,
            originators: order.originators.clone(),
        },
    }
}

/// What a link makes of the neighbour's answer.
fn seen_from_above(record: &WriteRecord) -> Outcome {
    let outcome = record.outcome.clone();
    let open = outcome.state != WriteState::Applied;
    let hop = outcome
        .hop
        .as_ref()
        .map_or("below".to_owned(), |hop| format!("below.{hop}"));
    Outcome {
        hop: open.then_some(hop),
        ..outcome
    }
}

struct Tree {
    _folders: Vec<tempfile::TempDir>,
    enterprise: Node,
    plant: Node,
    line: Node,
}

fn tree() -> Tree {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let node =
        |index: usize, name, is_link| node(name, folders[index].path(), quick(), system(), is_link);
    Tree {
        enterprise: node(0, "enterprise", true),
        plant: node(1, "plant1", true),
        line: node(2, "line1", false),
        _folders: folders,
    }
}

impl Tree {
    /// Takes a write down to the line; what comes back are the two orders on the way.
    async fn down(&mut self, request: Request) -> (WriteId, Order, Order) {
        let id = self.enterprise.desk.submit(request).await.unwrap().id;
        let first = self.enterprise.arrives().await;
        let record = self
            .plant
            .desk
            .submit(from_link(&first, first.deadline))
            .await
            .unwrap();
        assert_eq!(record.id, id);
        let second = self.plant.arrives().await;
        (id, first, second)
    }

    async fn up(&mut self, id: WriteId, first: Order, second: Order) -> Arc<WriteRecord> {
        second
            .reply
            .send(seen_from_above(&*self.line.end(id).await))
            .unwrap();
        first
            .reply
            .send(seen_from_above(&*self.plant.end(id).await))
            .unwrap();
        self.enterprise.end(id).await
    }
}

#[tokio::test]
async fn the_outcome_names_each_hop() {
    let mut tree = tree();
    let (id, first, second) = tree.down(request("plc.setpoint", "5")).await;
    assert_eq!(second.originators, ["bob@enterprise", "above@plant1"]);
    let open = tree.enterprise.desk.get(id, &admin()).unwrap();
    assert_eq!(open.state(), WriteState::Forwarded);
    tree.line
        .desk
        .submit(from_link(&second, second.deadline))
        .await
        .unwrap();
    let order = tree.line.arrives().await;
    tree.line.carry_out(order);
    let record = tree.up(id, first, second).await;
    let hops = record
        .outcome
        .hops
        .iter()
        .map(|hop| (hop.node.as_str(), hop.state));
    assert_eq!(
        hops.collect::<Vec<_>>(),
        [
            ("enterprise", WriteState::Accepted),
            ("plant1", WriteState::Forwarded),
            ("line1", WriteState::Applied),
        ]
    );
    assert!(record.outcome.verified && record.outcome.hop.is_none());
    assert_eq!(tree.line.audit_lines("bob@enterprise > above@plant1"), 1);
    // Only the two ends have it on their disks.
    let size = |node: &Node| {
        node.folder
            .join(crate::LEDGER_FILE)
            .metadata()
            .unwrap()
            .len()
    };
    assert!(size(&tree.enterprise) > size(&tree.plant) && size(&tree.line) > size(&tree.plant));
}

#[tokio::test]
async fn a_refusal_below_says_where() {
    let mut tree = tree();
    let (id, first, second) = tree.down(request("plc.setpoint", "5")).await;
    tree.line
        .desk
        .submit(from_link(&second, second.deadline))
        .await
        .unwrap();
    let no = Outcome::because(WriteState::Rejected, "BadTypeMismatch", "no");
    tree.line.arrives().await.reply.send(no).unwrap();
    let record = tree.up(id, first, second).await;
    assert_eq!(record.state(), WriteState::Rejected);
    assert_eq!(record.outcome.reason.as_deref(), Some("BadTypeMismatch"));
    assert_eq!(record.outcome.hop.as_deref(), Some("below.below"));
}

#[tokio::test]
async fn an_id_is_carried_out_once_even_after_a_crash_of_the_owner() {
    let mut tree = tree();
    let (id, first, second) = tree.down(request("plc.setpoint", "5")).await;
    let again = || from_link(&second, second.deadline);
    tree.line.desk.submit(again()).await.unwrap();
    tree.line.desk.submit(again()).await.unwrap();
    let order = tree.line.arrives().await;
    let crashed = tree.line.crash();
    tree.line.carry_out(order);
    tree.line.end(id).await;
    let stored = tree.line.desk.submit(again()).await.unwrap();
    assert_eq!((stored.state(), tree.line.count), (WriteState::Applied, 1));
    assert!(tree.line.is_idle());
    // The reply was lost and the owner died: its next life says that it cannot tell.
    let mut restarted = node("line1", crashed.path(), quick(), system(), false);
    let stored = restarted.desk.submit(again()).await.unwrap();
    assert_eq!(stored.state(), WriteState::Unknown);
    assert!(restarted.is_idle());
    drop(first);
}

#[tokio::test]
async fn an_id_of_another_write_is_refused() {
    let mut tree = tree();
    let (id, first, _second) = tree.down(request("plc.setpoint", "5")).await;
    let mut other = from_link(&first, first.deadline);
    other.value = raw("6");
    assert_eq!(
        tree.plant.desk.submit(other).await.unwrap_err(),
        Refusal::IdReused(id)
    );
    // A write that comes round in a circle finds its own id in other hands.
    let round = from_link(&first, first.deadline);
    assert_eq!(
        tree.enterprise.desk.submit(round).await.unwrap_err(),
        Refusal::IdReused(id)
    );
}

#[tokio::test]
async fn what_a_link_brings_late_or_from_too_far_is_not_carried_out() {
    let mut tree = tree();
    let (_, _first, second) = tree.down(request("plc.setpoint", "5")).await;
    let past = from_link(&second, mainstem_model::Monotonic::from_micros(1));
    let record = tree.line.desk.submit(past).await.unwrap();
    assert_eq!(tree.line.end(record.id).await.state(), WriteState::Expired);
    assert!(tree.line.is_idle());

    let mut far = from_link(&second, second.deadline);
    if let Entry::Link {
        id, originators, ..
    } = &mut far.entry
    {
        *id = WriteId(uuid::Uuid::new_v4());
        *originators = vec!["x@y".to_owned(); 8];
    }
    let record = tree.plant.desk.submit(far).await.unwrap();
    assert_eq!(record.outcome.reason.as_deref(), Some(reason::TOO_FAR));
}

#[tokio::test]
async fn a_neighbours_rights_decide_whoever_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), system(), false);
    let mut asked = request("plc.setpoint", "5");
    let mut reader = principal("above", false);
    reader.rights = Arc::new(Role {
        read: GlobSet::everything(),
        ..Role::default()
    });
    asked.entry = Entry::Link {
        principal: reader,
        id: WriteId(uuid::Uuid::new_v4()),
        deadline: line.store.clock().monotonic().after(PATIENCE),
        originators: vec!["root@enterprise".to_owned()],
    };
    let record = line.desk.submit(asked).await.unwrap();
    assert_eq!(record.outcome.reason.as_deref(), Some(reason::POLICY));
    assert!(line.is_idle());
}
