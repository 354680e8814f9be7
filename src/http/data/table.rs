//! Which server node a path leads to.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;

use super::DataNode;

/// The server nodes, by path.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Those whose path has no parameters.
    plain: HashMap<String, Vec<Arc<DataNode>>>,
    /// The others, each with the levels of its path.
    with_params: Vec<(Vec<String>, Arc<DataNode>)>,
}

/// A server node, and the parameters that the path gave it.
#[derive(Debug)]
pub(super) struct Found<'t> {
    pub(super) node: &'t Arc<DataNode>,
    pub(super) params: Vec<(String, String)>,
}

impl Table {
    pub(super) fn new(nodes: Vec<DataNode>) -> Self {
        let mut table = Self::default();
        for node in nodes {
            let path = plain(&node.path);
            let node = Arc::new(node);
            if path.split('/').any(|level| level.starts_with(':')) {
                let levels = node.path.split('/').filter(|level| !level.is_empty());
                let levels = levels.map(str::to_owned).collect();
                table.with_params.push((levels, node));
            } else {
                table.plain.entry(path).or_default().push(node);
            }
        }
        table
    }

    /// The node for a path, which is as [`super::asked::path`] gives it.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Found<'_>> {
        let plain = self.plain.get(&path.to_lowercase());
        let node = plain.and_then(|nodes| nodes.iter().find(|node| node.method == *method));
        if let Some(node) = node {
            let params = Vec::new();
            return Some(Found { node, params });
        }
        self.with_params.iter().find_map(|(levels, node)| {
            let params = fit(levels, path).filter(|_| node.method == *method)?;
            Some(Found { node, params })
        })
    }

    /// The methods that there are for a path.
    pub(super) fn methods(&self, path: &str) -> Vec<&Method> {
        let plain = self.plain.get(&path.to_lowercase());
        let mut methods: Vec<&Method> = plain.into_iter().flatten().map(|n| &n.method).collect();
        let others = self.with_params.iter();
        let others = others.filter(|(levels, _)| fit(levels, path).is_some());
        methods.extend(others.map(|(_, node)| &node.method));
        methods
    }
}

/// A path as it is compared: in lower case, each level once.
fn plain(path: &str) -> String {
    let levels: Vec<&str> = path.split('/').filter(|level| !level.is_empty()).collect();
    levels.join("/").to_lowercase()
}

/// What the levels `:name` stand for, if the path fits.
fn fit(levels: &[String], path: &str) -> Option<Vec<(String, String)>> {
    let mut params = Vec::new();
    let mut given = path.split('/');
    for level in levels {
        let found = given.next()?;
        match level.strip_prefix(':') {
            Some(name) => params.push((name.to_owned(), found.to_owned())),
            None if level.to_lowercase() == found.to_lowercase() => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(params)
}

#[cfg(test)]
mod tests {
    use mainstem_model::Name;

    use super::super::DataUse;
    use super::*;

    fn table(nodes: &[(Method, &str)]) -> Table {
        let node = |(index, (method, path)): (usize, &(Method, &str))| DataNode {
            name: Name::new(&format!("node{index}")).unwrap(),
            method: method.clone(),
            path: (*path).to_owned(),
            body_bytes_max: 1,
            does: DataUse::Exchange {
                teller: None,
                watcher: None,
            },
        };
        Table::new(nodes.iter().enumerate().map(node).collect())
    }

    #[test]
    fn paths_are_compared_without_regard_to_case() {
        let table = table(&[
            (Method::GET, "/data/FlowSync/example3"),
            (Method::POST, "/data/flowsync/Example3/"),
            (Method::GET, "/data/orders/:Order/parts/:part"),
        ]);
        let name = |method: Method, path: &str| {
            let found = table.find(&method, path)?;
            Some((found.node.name.to_string(), found.params))
        };
        let none = Vec::new();
        assert_eq!(
            name(Method::GET, "data/flowsync/EXAMPLE3"),
            Some(("node0".into(), none.clone()))
        );
        assert_eq!(
            name(Method::POST, "data/flowsync/example3"),
            Some(("node1".into(), none))
        );
        assert_eq!(name(Method::PUT, "data/flowsync/example3"), None);
        assert_eq!(
            table.methods("data/flowsync/example3"),
            [Method::GET, Method::POST]
        );
        let params = vec![("Order".into(), "A7".into()), ("part".into(), "ä".into())];
        assert_eq!(
            name(Method::GET, "data/Orders/A7/parts/ä"),
            Some(("node2".into(), params))
        );
        assert_eq!(name(Method::GET, "data/orders/A7/parts"), None);
        assert_eq!(name(Method::GET, "data/orders/A7/parts/1/2"), None);
    }
}
