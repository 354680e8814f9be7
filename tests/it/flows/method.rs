//! Flow 6, with a foreign client of OPC UA as the controller.

use serde_json::json;

use super::mes::Mes;
use super::{online, ready};
use crate::opcua_server::{Foreign, trusted, url};
use crate::support::TestNode;
use crate::support::page::Page;

#[tokio::test(flavor = "multi_thread")]
async fn a_method_is_answered_by_a_rest_service() {
    let Some(controller) = Foreign::new() else {
        return;
    };
    let page = Page::read("flows/6-full-opcua");
    let mes = Mes::start().await;
    let written = page
        .section("resources")
        .replace("8080", &mes.port().to_string());
    let node = TestNode::start("line1", &written.replace("4841", "0")).await;
    ready(&node).await;
    online(&node, "mes").await;
    let url = url(&node).await;
    trusted(&node, &url, &controller).await;
    let called = controller.run(&url, "order", "0").await;
    assert_eq!(called["taken"], json!([1, "A7"]), "{called:#}");
    assert_eq!(called["refused"], "BadOutOfRange", "{called:#}");
    // The service is gone: the call ends all the same, and not by its timeout.
    drop(mes);
    let called = controller.run(&url, "order_away", "0").await;
    assert_eq!(called["away"], "BadInternalError", "{called:#}");
    assert!(called["took"].as_f64() < Some(4.5), "{called:#}");
    node.stop().await;
}
