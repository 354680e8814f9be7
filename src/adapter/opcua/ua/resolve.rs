//! From addresses to nodes: browse paths are walked by the server, in each session anew.

use mainstem_adapter::PointId;
use opcua::client::UARequest;
use opcua::client::services::TranslateBrowsePaths;
use opcua::types::{
    BrowsePath as UaBrowsePath, BrowsePathResult, Error, NodeId, ObjectId, QualifiedName,
    ReferenceTypeId, RelativePath, RelativePathElement, StatusCode,
};

use super::failure;
use super::link::Server;
use super::requests::Requests;
use crate::browse_path::{Address, BrowsePath};
use crate::plan::{PointPlan, What};

/// What an endpoint's addresses are in this session.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Target {
    /// The node, if there is one.
    pub(crate) node: Option<NodeId>,
    /// A method's object, if the endpoint names one and there is one.
    pub(crate) object: Option<NodeId>,
}

// A path and where its node belongs: the place in the list, and whether it is a method's object.
type Walk<'a> = (usize, bool, &'a BrowsePath);

/// The nodes of points. One that is not found is no error; it is counted.
pub(crate) async fn resolve(
    requests: &Requests,
    server: &Server,
    points: &[(PointId, &PointPlan)],
) -> Result<Vec<(PointId, Target)>, Error> {
    let mut found = Vec::new();
    let mut walks: Vec<Walk> = Vec::new();
    for (index, (id, point)) in points.iter().enumerate() {
        let object = match &point.what {
            What::Method(method) => method.object.as_ref(),
            _ => None,
        };
        let mut node = |address, is_object| match address {
            &Address::Node(ref address) => server.node(address),
            Address::Path(path) => {
                walks.push((index, is_object, path));
                None
            }
        };
        let target = Target {
            node: node(&point.address, false),
            object: object.and_then(|address| node(address, true)),
        };
        found.push((*id, target));
    }
    for walks in walks.chunks(server.paths_max) {
        let (known, paths): (Vec<&Walk>, Vec<_>) = walks
            .iter()
            .filter_map(|walk| Some((walk, relative(server, walk.2)?)))
            .unzip();
        if paths.is_empty() {
            continue;
        }
        for (walk, result) in known.into_iter().zip(translate(requests, paths).await?) {
            let (index, is_object, _) = *walk;
            match one(result) {
                Ok(node) if is_object => found[index].1.object = Some(node),
                Ok(node) => found[index].1.node = Some(node),
                Err(status) => requests.statistics.failed(failure::name(status)),
            }
        }
    }
    Ok(found)
}

async fn translate(
    requests: &Requests,
    paths: Vec<UaBrowsePath>,
) -> Result<Vec<BrowsePathResult>, Error> {
    let wanted = paths.len();
    let response = TranslateBrowsePaths::new(&requests.session)
        .browse_paths(paths)
        .timeout(requests.timeout)
        .send(requests.session.channel())
        .await;
    match response {
        Ok(response) => {
            let results = response.results.unwrap_or_default();
            if results.len() == wanted {
                return Ok(results);
            }
            let message = format!("{} answers to {wanted} browse paths", results.len());
            Err(Error::new(StatusCode::BadUnknownResponse, message))
        }
        // A server without the service finds nothing, but the session goes on.
        Err(error)
            if !failure::is_fatal(error.status()) && error.status() != StatusCode::BadTimeout =>
        {
            let refused = BrowsePathResult {
                status_code: error.status(),
                targets: None,
            };
            Ok(vec![refused; wanted])
        }
        Err(error) => Err(error),
    }
}

// A path that leads to several nodes leads to none: nobody could say which one is meant.
fn one(result: BrowsePathResult) -> Result<NodeId, StatusCode> {
    if result.status_code.is_bad() {
        return Err(result.status_code);
    }
    let targets = result.targets.unwrap_or_default();
    let mut whole = targets.into_iter().filter(|target| {
        target.remaining_path_index == u32::MAX && target.target_id.server_index == 0
    });
    match (whole.next(), whole.next()) {
        (Some(target), None) => Ok(target.target_id.node_id),
        (None, _) => Err(StatusCode::BadNoMatch),
        (Some(_), Some(_)) => Err(StatusCode::BadTooManyMatches),
    }
}

fn relative(server: &Server, path: &BrowsePath) -> Option<UaBrowsePath> {
    let start = if path.from_root {
        ObjectId::RootFolder
    } else {
        ObjectId::ObjectsFolder
    };
    let elements = path.steps.iter().map(|step| {
        Some(RelativePathElement {
            reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
            is_inverse: false,
            include_subtypes: true,
            target_name: QualifiedName::new(server.namespace(&step.namespace)?, step.name.clone()),
        })
    });
    Some(UaBrowsePath {
        starting_node: start.into(),
        relative_path: RelativePath {
            elements: Some(elements.collect::<Option<_>>()?),
        },
    })
}
