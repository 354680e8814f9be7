//! Tests of `opcua`.

use std::sync::Arc;

use futures_util::future::join_all;
use opcua::client::{Client, ClientBuilder, DataChangeCallback, IdentityToken, Password, Session};
use opcua::types::{
    AttributeId, BrowsePath, DataValue, DateTime, EndpointDescription, MonitoredItemCreateRequest,
    NodeId, NumericRange, ObjectId, QualifiedName, ReadValueId, ReferenceTypeId, RelativePath,
    RelativePathElement, StatusCode, TimestampsToReturn, UserTokenPolicy, Variant, WriteValue,
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::clock::PlantClock;

const PATIENCE: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_millis(400);
/// More than one publishing interval can bring; a lost value only makes a test slower.
const VALUES: usize = 64;

/// A device over a plant that only the test steps, in a PKI folder of its own.
struct Rig {
    device: OpcuaDevice,
    plant: SharedPlant,
    folder: TempDir,
}

impl Rig {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut OpcuaOptions)) -> Self {
        let folder = TempDir::new().unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let mut options = OpcuaOptions::new(address, folder.path().join("server"));
        change(&mut options);
        let plant = SharedPlant::new(21);
        let device = OpcuaDevice::start(options, plant.clone()).await.unwrap();
        Self {
            device,
            plant,
            folder,
        }
    }

    fn client(&self) -> Client {
        ClientBuilder::new()
            .application_name("test client")
            .application_uri("urn:mainstem:test-client")
            .pki_dir(self.folder.path().join("client"))
            .create_sample_keypair(true)
            .trust_server_certs(true)
            .session_retry_limit(0)
            .client()
            .unwrap()
    }

    async fn open(
        &self,
        policy: &str,
        mode: MessageSecurityMode,
        user: IdentityToken,
    ) -> Option<Arc<Session>> {
        let url = self.device.endpoint_url();
        let tokens = UserTokenPolicy::anonymous();
        let endpoint: EndpointDescription = (url.as_str(), policy, mode, tokens).into();
        let mut client = self.client();
        let connected = client.connect_to_matching_endpoint(endpoint, user);
        let (session, events) = timeout(PATIENCE, connected).await.unwrap().ok()?;
        let mut ended = events.spawn();
        let open = async {
            tokio::select! {
                open = session.wait_for_connection() => open,
                _ = &mut ended => false,
            }
        };
        timeout(PATIENCE, open).await.unwrap().then_some(session)
    }

    async fn anonymous(&self) -> Arc<Session> {
        let mode = MessageSecurityMode::None;
        self.open("None", mode, IdentityToken::Anonymous)
            .await
            .unwrap()
    }

    async fn close(self, session: Arc<Session>) {
        session.disconnect().await.unwrap();
        self.device.stop().await;
    }
}

fn id(name: &str) -> NodeId {
    NodeId::new(NAMESPACE_INDEX, name)
}

async fn read(session: &Session, name: &str) -> DataValue {
    let node = ReadValueId::from(id(name));
    let values = session
        .read(&[node], TimestampsToReturn::Both, 0.0)
        .await
        .unwrap();
    values.into_iter().next().unwrap()
}

async fn write(session: &Session, name: &str, value: impl Into<Variant>) -> StatusCode {
    let write = WriteValue {
        node_id: id(name),
        attribute_id: AttributeId::Value as u32,
        index_range: NumericRange::None,
        value: DataValue::value_only(value),
    };
    session.write(&[write]).await.unwrap()[0]
}

#[tokio::test]
async fn every_node_is_readable_with_its_type() {
    let rig = Rig::new().await;
    let session = rig.anonymous().await;
    for spec in nodes::NODES {
        let value = read(&session, spec.id).await;
        assert!(value.status().is_good(), "{}: {:?}", spec.id, value.status);
        assert_eq!(
            value.value.unwrap().scalar_type_id(),
            Some(spec.scalar),
            "{}",
            spec.id
        );
    }
    assert_eq!(
        read(&session, "Nothing").await.status(),
        StatusCode::BadNodeIdUnknown
    );
    rig.close(session).await;
}

#[tokio::test]
async fn the_plant_is_found_by_browsing() {
    let rig = Rig::new().await;
    let session = rig.anonymous().await;
    let path = BrowsePath {
        starting_node: ObjectId::ObjectsFolder.into(),
        relative_path: RelativePath {
            elements: Some(["Plant", "Speed"].map(step).to_vec()),
        },
    };
    let found = session
        .translate_browse_paths_to_node_ids(&[path])
        .await
        .unwrap();
    let target = &found[0].targets.as_ref().unwrap()[0].target_id;
    assert_eq!(target.node_id, id("Speed"));
    rig.close(session).await;
}

fn step(name: &str) -> RelativePathElement {
    RelativePathElement {
        reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
        is_inverse: false,
        include_subtypes: true,
        target_name: QualifiedName::new(NAMESPACE_INDEX, name),
    }
}

#[tokio::test]
async fn last_change_is_wall_clock() {
    let rig = Rig::new().await;
    let session = rig.anonymous().await;
    let Some(Variant::DateTime(changed)) = read(&session, "LastChange").await.value else {
        panic!("LastChange is no DateTime");
    };
    let age = DateTime::now().ticks() - changed.ticks();
    assert!(
        (0..600_000_000).contains(&age),
        "{} is not now",
        changed.to_rfc3339()
    );
    rig.close(session).await;
}

#[tokio::test]
async fn writes_reach_the_plant_and_are_counted() {
    let rig = Rig::new().await;
    let session = rig.anonymous().await;
    assert_eq!(
        write(&session, "TemperatureSetpoint", 88.5).await,
        StatusCode::Good
    );
    assert_eq!(write(&session, "MotorOn", false).await, StatusCode::Good);
    let plant = rig.plant.snapshot();
    assert!((plant.temperature_setpoint - 88.5).abs() < f64::EPSILON && !plant.motor_on);
    assert_eq!(
        read(&session, "TemperatureSetpoint").await.value,
        Some(88.5.into())
    );
    let counts = ["TemperatureSetpoint", "MotorOn", "SpeedSetpoint"]
        .map(|node| rig.device.write_count(node));
    assert_eq!(counts, [1, 1, 0]);
    rig.close(session).await;
}

#[tokio::test]
async fn scratch_nodes_keep_what_is_written() {
    let rig = Rig::new().await;
    let session = rig.anonymous().await;
    let values: [(&str, Variant); 5] = [
        ("Scratch.Int16", (-7_i16).into()),
        ("Scratch.UInt32", u32::MAX.into()),
        ("Scratch.Int64", i64::MIN.into()),
        ("Scratch.String", "Öl".into()),
        ("Scratch.DateTime", DateTime::ymd(2026, 2, 3).into()),
    ];
    for (node, value) in values {
        assert_eq!(write(&session, node, value.clone()).await, StatusCode::Good);
        assert_eq!(read(&session, node).await.value, Some(value));
    }
    rig.close(session).await;
}

#[tokio::test]
async fn refused_writes_change_and_count_nothing() {
    let rig = Rig::new().await;
    let session = rig.anonymous().await;
    let refused: [(&str, Variant, StatusCode); 6] = [
        (
            "TemperatureSetpoint",
            "hot".into(),
            StatusCode::BadTypeMismatch,
        ),
        (
            "TemperatureSetpoint",
            70.0_f32.into(),
            StatusCode::BadTypeMismatch,
        ),
        (
            "TemperatureSetpoint",
            vec![1.0, 2.0].into(),
            StatusCode::BadTypeMismatch,
        ),
        (
            "TemperatureSetpoint",
            Variant::Empty,
            StatusCode::BadTypeMismatch,
        ),
        (
            "TemperatureSetpoint",
            251.0.into(),
            StatusCode::BadOutOfRange,
        ),
        ("Temperature", 1.0.into(), StatusCode::BadNotWritable),
    ];
    for (node, value, status) in refused {
        assert_eq!(
            write(&session, node, value.clone()).await,
            status,
            "{node} {value:?}"
        );
        assert_eq!(rig.device.write_count(node), 0);
    }
    assert!((rig.plant.snapshot().temperature_setpoint - 60.0).abs() < f64::EPSILON);
    rig.device
        .faults()
        .refuse_writes("MotorOn", StatusCode::BadInvalidState);
    assert_eq!(
        write(&session, "MotorOn", false).await,
        StatusCode::BadInvalidState
    );
    assert!(rig.plant.snapshot().motor_on);
    rig.close(session).await;
}

#[tokio::test]
async fn secure_endpoints_take_the_user_and_refuse_a_wrong_password() {
    let rig = Rig::new().await;
    let user =
        |password: &str| IdentityToken::UserName("operator".to_owned(), Password::new(password));
    let policy = "Basic256Sha256";
    for mode in [
        MessageSecurityMode::Sign,
        MessageSecurityMode::SignAndEncrypt,
    ] {
        let session = rig.open(policy, mode, user("operator")).await.unwrap();
        assert_eq!(
            write(&session, "SpeedSetpoint", 900.0).await,
            StatusCode::Good
        );
        session.disconnect().await.unwrap();
    }
    assert_eq!(rig.device.write_count("SpeedSetpoint"), 2);
    let wrong = rig
        .open(policy, MessageSecurityMode::Sign, user("wrong"))
        .await;
    assert!(wrong.is_none());
    let plain = rig
        .open("None", MessageSecurityMode::None, user("operator"))
        .await
        .unwrap();
    rig.close(plain).await;
}

#[tokio::test]
async fn an_unknown_client_certificate_is_refused_and_listed() {
    let rig = Rig::with(|options| options.trust_clients = false).await;
    let mode = MessageSecurityMode::SignAndEncrypt;
    let refused = rig
        .open("Basic256Sha256", mode, IdentityToken::Anonymous)
        .await;
    assert!(refused.is_none());
    let rejected = rig.folder.path().join("server/rejected");
    assert_eq!(std::fs::read_dir(rejected).unwrap().count(), 1);
    rig.device.stop().await;
}

#[tokio::test]
async fn subscriptions_see_a_setpoint_act() {
    let rig = Rig::new().await;
    let clock = PlantClock::start(vec![rig.plant.clone()]);
    let session = rig.anonymous().await;
    let (sender, mut values) = mpsc::channel(VALUES);
    let interval = Duration::from_millis(100);
    let changed = DataChangeCallback::new(move |value, _item| {
        // A full channel loses a value; the next one brings the same news.
        drop(sender.try_send(value));
    });
    let subscription = session.create_subscription(interval, 100, 10, 0, 0, true, changed);
    let subscription = subscription.await.unwrap();
    let item = MonitoredItemCreateRequest::from(id("Temperature"));
    let both = TimestampsToReturn::Both;
    session
        .create_monitored_items(subscription, both, vec![item])
        .await
        .unwrap();
    assert_eq!(
        write(&session, "TemperatureSetpoint", 150.0).await,
        StatusCode::Good
    );
    let warm = async {
        while let Some(value) = values.recv().await {
            if matches!(value.value, Some(Variant::Double(degrees)) if degrees > 75.0) {
                return true;
            }
        }
        false
    };
    assert!(timeout(PATIENCE, warm).await.unwrap());
    clock.stop().await;
    rig.close(session).await;
}

#[tokio::test]
async fn a_bad_status_shows_and_goes() {
    let rig = Rig::new().await;
    let session = rig.anonymous().await;
    let broken = StatusCode::BadSensorFailure;
    rig.device.faults().set_status("Pressure", broken);
    wait_for(&session, "Pressure", |value| value.status() == broken).await;
    assert!(read(&session, "Temperature").await.status().is_good());
    rig.device.faults().clear_status("Pressure");
    wait_for(&session, "Pressure", |value| value.status().is_good()).await;
    rig.close(session).await;
}

async fn wait_for(session: &Session, node: &str, seen: impl Fn(&DataValue) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !seen(&read(session, node).await) {
        assert!(Instant::now() < deadline, "{node} did not change");
    }
}

#[tokio::test]
async fn a_frozen_device_holds_requests_and_does_nothing() {
    let rig = Rig::new().await;
    let session = rig.anonymous().await;
    rig.device.faults().freeze();
    let mut held = Box::pin(write(&session, "TemperatureSetpoint", 99.0));
    assert!(timeout(SILENCE, &mut held).await.is_err());
    rig.device.faults().thaw();
    assert_eq!(
        timeout(PATIENCE, held).await.unwrap(),
        StatusCode::BadTimeout
    );
    assert_eq!(rig.device.write_count("TemperatureSetpoint"), 0);
    assert_eq!(
        read(&session, "TemperatureSetpoint").await.value,
        Some(60.0.into())
    );
    rig.close(session).await;
}

#[tokio::test]
async fn stop_ends_open_and_frozen_sessions_and_frees_the_port() {
    let rig = Rig::new().await;
    let sessions = join_all([rig.anonymous(), rig.anonymous()]).await;
    rig.device.faults().freeze();
    assert!(timeout(SILENCE, read(&sessions[0], "Speed")).await.is_err());
    let address = rig.device.address();
    timeout(STOP_PATIENCE, rig.device.stop()).await.unwrap();
    let options = OpcuaOptions::new(address, rig.folder.path().join("server"));
    let again = OpcuaDevice::start(options, rig.plant).await.unwrap();
    assert_eq!(again.endpoint_url(), format!("opc.tcp://{address}/"));
    again.stop().await;
}

#[tokio::test]
async fn a_pki_folder_that_is_a_file_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "x").unwrap();
    let options = OpcuaOptions::new("127.0.0.1:0".parse().unwrap(), &path);
    let error = OpcuaDevice::start(options, SharedPlant::new(1))
        .await
        .unwrap_err();
    assert!(error.to_string().contains(&path.display().to_string()));
}

#[test]
fn the_readme_lists_every_node() {
    let readme = include_str!("../README.md");
    for spec in nodes::NODES {
        let listed = match spec.id.split_once('.') {
            Some((_, kind)) => readme.contains(&format!(".{kind}")),
            None => readme.contains(&format!("`ns={NAMESPACE_INDEX};s={}`", spec.id)),
        };
        assert!(listed, "{} is missing in the README", spec.id);
    }
}
