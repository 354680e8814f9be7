//! The description of the API is that of the routes, and stands in the repository.

use std::path::Path;

use crate::harness::Node;

#[test]
fn the_description_in_the_repository_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-spec/openapi.yaml");
    let generated = mainstem_http::openapi_yaml();
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found != generated {
        let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.yaml");
        std::fs::write(&fresh, &generated).unwrap();
        panic!(
            "api-spec/openapi.yaml is not as generated: copy {} there",
            fresh.display()
        );
    }
}

#[tokio::test]
async fn every_operation_that_is_described_is_routed() {
    let node = Node::start().await;
    let document = node.client("none").document("/api/v1/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    let client = node.client("none");
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let method = method.to_uppercase().parse().unwrap();
            let path = path.replace(['{', '}'], "");
            let response = client.request(method, &path).send().await.unwrap();
            // The guard stands before all but the open ones.
            let expected: &[u16] = match path.as_str() {
                "/healthz" => &[200],
                "/readyz" => &[503],
                _ => &[401, 429],
            };
            assert!(expected.contains(&response.status().as_u16()), "{path}");
        }
    }
    for page in ["/", "/ui/index.html"] {
        let response = client.get(page).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none'"));
    }
    let metrics = node
        .admin()
        .get("/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        metrics.contains("mainstem_http_requests_total"),
        "{metrics}"
    );
}
