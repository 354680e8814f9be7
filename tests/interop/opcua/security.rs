//! Policies, users and names of a foreign server.

use opcua::crypto::{CertificateStore, X509Data};

use super::relay::Relay;
use super::*;

const ALL_POLICIES: [&str; 6] = [
    "Basic256Sha256_Sign",
    "Basic256Sha256_SignAndEncrypt",
    "Aes128Sha256RsaOaep_Sign",
    "Aes128Sha256RsaOaep_SignAndEncrypt",
    "Aes256Sha256RsaPss_Sign",
    "Aes256Sha256RsaPss_SignAndEncrypt",
];

pub(super) fn speed() -> Vec<EndpointSpec> {
    vec![subscribed("speed", "f64", "nsu=urn:mainstem:plant;s=Speed")]
}

/// Trusts whatever waits.
pub(super) fn trust_all(folder: &TempDir) {
    let list = server_certificates(folder.path());
    for certificate in list.list().unwrap() {
        let trusted = CertificateState::Trusted;
        list.decide(&certificate.thumbprint, trusted).unwrap();
    }
}

async fn refused(
    device: &Device,
    folder: &TempDir,
    options: serde_json::Value,
) -> (String, String) {
    let session = device.adapter(folder, options, speed());
    let ended = session.end().await.1.unwrap_err();
    (ended.code().to_owned(), ended.to_string())
}

#[tokio::test]
async fn every_policy_and_mode_is_spoken_and_the_strongest_is_taken_if_none_is_named() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = json!({ "policies": ALL_POLICIES });
    let mut device = Device::plant(&python, folder.path(), 0, &options).await;
    let user = |policy: &str, mode: &str, password: &str| {
        let mut options = json!({
            "securityPolicy": policy, "securityMode": mode, "requestTimeout": 30_000,
            "username": "operator", "password": password,
        });
        if policy.is_empty() {
            options["securityPolicy"] = serde_json::Value::Null;
        }
        options
    };
    let (code, _) = refused(&device, &folder, user("Basic256Sha256", "Sign", "right")).await;
    assert_eq!(code, "certificate_untrusted");
    trust_all(&folder);
    let spelt = [
        ("Basic256Sha256", "Basic256Sha256"),
        ("Aes128Sha256RsaOaep", "Aes128_Sha256_RsaOaep"),
        ("Aes256Sha256RsaPss", "Aes256_Sha256_RsaPss"),
        ("", "Aes256_Sha256_RsaPss"),
    ];
    for (written, spoken) in spelt {
        for mode in ["Sign", "SignAndEncrypt"] {
            let session = device.adapter(&folder, user(written, mode, "right"), speed());
            session.until_online().await;
            assert_eq!(
                session.write(0, Value::F64(2.5)).await,
                APPLIED,
                "{written}"
            );
            let policies = device.tell(json!(["policies"])).await;
            let spoken_now = policies.as_array().unwrap();
            assert!(spoken_now.contains(&json!(spoken)), "{written}: {policies}");
            session.stop().await.1.unwrap();
        }
        let (code, message) = refused(&device, &folder, user(written, "Sign", "wrong")).await;
        assert_eq!(code, "access_denied", "{message}");
    }

    // Nobody falls back to no protection, and nobody gets it without asking.
    let (code, message) = refused(&device, &folder, json!({ "securityPolicy": "None" })).await;
    assert_eq!(code, "no_matching_endpoint", "{message}");
}

#[tokio::test]
async fn a_server_without_security_is_used_only_if_somebody_says_so() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let device = Device::plant(&python, folder.path(), 0, &json!({})).await;
    for policy in [json!(null), json!("Aes256Sha256RsaPss")] {
        let options = json!({ "securityPolicy": policy });
        let (code, message) = refused(&device, &folder, options).await;
        assert_eq!(code, "no_matching_endpoint", "{message}");
        assert!(message.contains("securityPolicy: None"), "{message}");
    }
    let session = device.adapter(&folder, json!({ "securityPolicy": "None" }), speed());
    session.until_value(0, Value::F64(1.0)).await;
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_is_kept_from_us_is_missed() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = json!({ "policies": ALL_POLICIES });
    let device = Device::plant(&python, folder.path(), 0, &options).await;
    let forgery: (&[u8], &[u8]) = (b"Aes256_Sha256_RsaPss", b"Xes256_Sha256_RsaPss");
    let relay = Relay::start(device.port(), Some(forgery)).await;
    let options = |policy: serde_json::Value| {
        json!({
            "endpointUrl": format!("opc.tcp://127.0.0.1:{}/plant/", relay.port),
            "securityPolicy": policy, "requestTimeout": 30_000,
        })
    };
    let start = |policy| {
        let built = built(&KIND, folder.path(), options(policy), speed());
        Session::start(built.adapter)
    };
    let ended = start(json!(null)).end().await.1.unwrap_err();
    assert_eq!(ended.code(), "certificate_untrusted", "{ended}");
    trust_all(&folder);
    let ended = start(json!(null)).end().await.1.unwrap_err();
    assert_eq!(ended.code(), "downgraded", "{ended}");
    let ended = start(json!("Aes256Sha256RsaPss"))
        .end()
        .await
        .1
        .unwrap_err();
    assert_eq!(ended.code(), "no_matching_endpoint", "{ended}");
    // What the configuration names is not weaker than what it names.
    let session = start(json!("Basic256Sha256"));
    session.until_value(0, Value::F64(1.0)).await;
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn a_user_is_known_by_a_certificate() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let file = |extension: &str| folder.path().join(name).with_extension(extension);
        let data = X509Data {
            common_name: name.to_owned(),
            ..X509Data::sample_cert()
        };
        let (certificate, key) = (file("der"), file("pem"));
        CertificateStore::create_certificate_and_key(&data, true, &certificate, &key).unwrap();
    };
    make("user");
    make("stranger");
    let plant = json!({ "policies": ALL_POLICIES, "tokens": ["X509"] });
    let device = Device::plant(&python, folder.path(), 0, &plant).await;
    let options = |certificate: &str, key: &str| {
        json!({
            "securityPolicy": "Aes256Sha256RsaPss", "requestTimeout": 30_000,
            "userCertificate": certificate, "userPrivateKey": key,
        })
    };
    refused(&device, &folder, options("user.der", "user.pem")).await;
    trust_all(&folder);
    let session = device.adapter(&folder, options("user.der", "user.pem"), speed());
    session.until_value(0, Value::F64(1.0)).await;
    session.stop().await.1.unwrap();

    // As a reference to a secret leaves it: the text itself.
    let text = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let certificate = mainstem_opcua_trust::pem(&text("user.der"));
    let key = String::from_utf8(text("user.pem")).unwrap();
    let session = device.adapter(&folder, options(&certificate, &key), speed());
    session.until_value(0, Value::F64(1.0)).await;
    session.stop().await.1.unwrap();

    let (code, message) = refused(&device, &folder, options("stranger.der", "stranger.pem")).await;
    assert_eq!(code, "access_denied", "{message}");
    for (certificate, key) in [
        ("user.der", "stranger.pem"),
        ("user.der", "nothing.pem"),
        ("user.pem", "user.pem"),
    ] {
        let (code, message) = refused(&device, &folder, options(certificate, key)).await;
        assert_eq!(code, "user_certificate", "{message}");
        assert!(message.contains("user"), "{message}");
    }
    let anonymous = json!({ "securityPolicy": "Aes256Sha256RsaPss", "requestTimeout": 30_000 });
    let (code, message) = refused(&device, &folder, anonymous).await;
    assert_eq!(code, "access_denied", "{message}");
}

#[tokio::test]
async fn a_server_that_announces_another_name_is_reached_by_ours() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let plant = json!({ "policies": ALL_POLICIES, "advertise": "plc.invalid" });
    let device = Device::plant(&python, folder.path(), 0, &plant).await;
    let options = json!({ "requestTimeout": 30_000, "securityPolicy": null });
    refused(&device, &folder, options.clone()).await;
    trust_all(&folder);
    let session = device.adapter(&folder, options, speed());
    session.until_value(0, Value::F64(1.0)).await;
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn a_namespace_is_found_by_its_uri_wherever_it_went() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let order = |uris: &[&str]| json!({ "namespaces": uris });
    let (plant, other) = ("urn:mainstem:plant", "urn:mainstem:other");
    let device = Device::plant(&python, folder.path(), 0, &order(&[plant, other])).await;
    let port = device.port();
    let mut endpoints = speed();
    endpoints.push(subscribed("other", "f64", "nsu=urn:mainstem:other;s=Speed"));
    let quick = json!({ "requestTimeout": 2_000, "keepAlive": 1_000 });
    let session = device.adapter(&folder, quick, endpoints);
    session.until_value(0, Value::F64(1.0)).await;
    session.until_value(1, Value::F64(1.0)).await;
    drop(device);
    let (adapter, ended) = session.end().await;
    ended.unwrap_err();

    let more = ["urn:mainstem:new", other, plant];
    let mut device = Device::plant(&python, folder.path(), port, &order(&more)).await;
    device.tell(json!(["set", 5, 0])).await;
    let session = Session::start(adapter);
    session.until_value(0, Value::F64(5.0)).await;
    session.until_value(1, Value::F64(5.0)).await;
    drop(device);
    let (adapter, ended) = session.end().await;
    ended.unwrap_err();

    // One has gone; the other is none the worse for it.
    let device = Device::plant(&python, folder.path(), port, &order(&[plant])).await;
    let session = Session::start(adapter);
    session.until_value(0, Value::F64(1.0)).await;
    session.until_reason(1, Reason::BadAddress).await;
    let refused = session.write(1, Value::F64(2.0)).await;
    assert!(
        matches!(refused, WriteAnswer::Refused { .. }),
        "{refused:?}"
    );
    session.stop().await.1.unwrap();
    drop(device);
}
