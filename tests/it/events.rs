//! Events raised at the line and answered at the top, and the ways in which they are not.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::links::Chain;
use crate::support::TestNode;

/// An open event stream of a node.
pub(crate) struct Listener {
    body: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    bytes: Vec<u8>,
    text: String,
}

impl Listener {
    pub(crate) async fn open(node: &TestNode) -> Self {
        let request = node.api(Method::GET, "changes?glob=none");
        let answer = request.header("Accept", "text/event-stream").send();
        let mut listener = Self {
            body: Box::pin(answer.await.unwrap().bytes_stream()),
            bytes: Vec::new(),
            text: String::new(),
        };
        // From here on the reader stands in the feed.
        listener.next("retry: ").await;
        listener
    }

    /// The rest of the next line that begins so.
    async fn next(&mut self, begin: &str) -> String {
        let waited = tokio::time::timeout(Duration::from_secs(20), self.line(begin));
        waited.await.expect("the stream tells it in time")
    }

    /// The same, however long it takes.
    async fn line(&mut self, begin: &str) -> String {
        loop {
            while let Some((line, rest)) = self.text.split_once('\n') {
                let found = line.strip_prefix(begin).map(str::to_owned);
                self.text = rest.to_owned();
                if let Some(found) = found {
                    return found;
                }
            }
            // A part may end within a character.
            let part = self.body.next().await.unwrap().unwrap();
            self.bytes.extend_from_slice(&part);
            let whole = match std::str::from_utf8(&self.bytes) {
                Ok(text) => text.len(),
                Err(error) => error.valid_up_to(),
            };
            let whole: Vec<u8> = self.bytes.drain(..whole).collect();
            self.text.push_str(std::str::from_utf8(&whole).unwrap());
        }
    }

    async fn event(&mut self) -> Json {
        let waited = tokio::time::timeout(Duration::from_secs(20), self.whenever());
        waited.await.expect("the stream tells it in time")
    }

    /// The next event, however long it takes.
    async fn whenever(&mut self) -> Json {
        self.line("event: event").await;
        serde_json::from_str(&self.line("data: ").await).unwrap()
    }

    /// Answers every event of the node until it is dropped.
    pub(crate) async fn answer_all(mut self, node: &TestNode) -> ! {
        loop {
            let event = self.whenever().await;
            // Who asked may have gone away meanwhile.
            answer(node, &event["id"], &json!({"data": {"taken": true}})).await;
        }
    }
}

async fn raise(node: &TestNode, deadline: &str) -> (u16, Json) {
    let body = json!({"kind": "flow.order", "data": {"article": 17}, "deadline": deadline});
    let answer = node.api(Method::POST, "events").json(&body).send();
    let answer = answer.await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn answer(node: &TestNode, id: &Json, body: &Json) -> u16 {
    let path = format!("events/{}/reply", id.as_str().unwrap());
    let answer = node.api(Method::POST, &path).json(body).send();
    answer.await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_the_line_is_answered_at_the_top_once() {
    let chain = Chain::start().await;
    chain.top().wait_good("area.plant.line1.sim.count").await;
    let mut listener = Listener::open(chain.top()).await;
    let line = &chain.nodes[0];
    let (raised, ()) = tokio::join!(raise(line, "20s"), async {
        let event = listener.event().await;
        assert_eq!(event["kind"], "flow.order");
        assert_eq!(event["data"], json!({"article": 17}));
        let from = ["above@line1", "line1@plant", "plant@area", "area@top"];
        assert_eq!(event["from"], json!(from));
        let remaining = event["remaining_ms"].as_u64().unwrap();
        assert!((1..=20_000).contains(&remaining), "{remaining}");
        let neither = answer(chain.top(), &event["id"], &json!({})).await;
        assert_eq!(neither, 422);
        let reply = json!({"data": {"recipe": "blue"}, "by": ["forged@elsewhere"]});
        assert_eq!(answer(chain.top(), &event["id"], &reply).await, 200);
        assert_eq!(answer(chain.top(), &event["id"], &reply).await, 409);
        assert_eq!(answer(line, &event["id"], &reply).await, 409);
    });
    let (status, reply) = raised;
    assert_eq!(status, 200, "{reply:#}");
    assert_eq!(reply["data"], json!({"recipe": "blue"}));
    let by = reply["by"].as_array().unwrap();
    assert_eq!(by.last().unwrap(), "above@line1", "{reply:#}");
    let open = chain.top().api(Method::GET, "events").send().await;
    let open: Json = open.unwrap().json().await.unwrap();
    assert_eq!(open["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_what_is_late_or_behind_a_cut_link() {
    let chain = Chain::start().await;
    chain.top().wait_good("area.plant.line1.sim.count").await;
    let line = &chain.nodes[0];
    let (status, problem) = raise(line, "50ms").await;
    assert_eq!((status, &problem["code"]), (504, &json!("no_answer")));
    let mut listener = Listener::open(chain.top()).await;
    let (raised, ()) = tokio::join!(raise(line, "4s"), async {
        let event = listener.event().await;
        chain.proxies[0].silence();
        let reply = json!({"error": {"code": "sold_out", "message": "no such article"}});
        let refused = answer(chain.top(), &event["id"], &reply).await;
        assert!(matches!(refused, 409 | 503), "{refused}");
    });
    assert_eq!(raised.0, 504, "{:#}", raised.1);
}
