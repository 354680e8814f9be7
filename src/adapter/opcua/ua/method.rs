//! Methods: their arguments from JSON, by position or by name, and their answers as JSON.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{PointId, Reading, WriteAnswer};
use mainstem_model::{Quality, Value, ValueType};
use opcua::client::UARequest;
use opcua::client::services::Call;
use opcua::types::{
    Argument, BrowseDirection, CallMethodRequest, CallMethodResult, Error, NodeId, ReferenceTypeId,
    StatusCode, Variant, VariantScalarTypeId as Type,
};
use serde_json::{Map, Value as Json};

use super::browse::local;
use super::failure;
use super::from_device;
use super::holding::as_json;
use super::requests::Requests;
use super::resolve::Target;
use super::structures::{Missing, Shape, builtin};

/// Arguments of a method, in each direction.
const ARGUMENTS_MAX: usize = 100;
/// Types that one answer may bring which nobody has met before.
const NEW_TYPES_MAX: usize = 16;

/// What a method takes and gives, read once per session.
pub(crate) struct Signature {
    object: NodeId,
    method: NodeId,
    inputs: Vec<Parameter>,
    outputs: Vec<Parameter>,
}

struct Parameter {
    name: String,
    data_type: NodeId,
    rank: i32,
}

/// What became of a call.
pub(crate) struct Called {
    /// For the caller.
    pub(crate) answer: WriteAnswer,
    /// For the datapoint.
    pub(crate) reading: Option<Reading>,
    /// What was learned, for the next call.
    pub(crate) signature: Option<Arc<Signature>>,
    /// Set if the session is gone.
    pub(crate) fatal: Option<StatusCode>,
}

impl Called {
    fn refused(message: String) -> Self {
        let code = failure::name(StatusCode::BadInvalidArgument).to_owned();
        Self::from(WriteAnswer::Refused { code, message })
    }
}

impl From<WriteAnswer> for Called {
    fn from(answer: WriteAnswer) -> Self {
        Self {
            answer,
            reading: None,
            signature: None,
            fatal: None,
        }
    }
}

/// A call to be made.
pub(crate) struct Order {
    /// The datapoint.
    pub(crate) point: PointId,
    /// What its value has to be.
    pub(crate) value_type: ValueType,
    /// Where the method is.
    pub(crate) target: Target,
    /// Its signature, if that is known.
    pub(crate) known: Option<Arc<Signature>>,
    /// How long the answer may take.
    pub(crate) timeout: Duration,
    /// Whether anybody wants to see the answer.
    pub(crate) shown: bool,
}

impl Requests {
    /// Makes ready for a call: the signature, and the arguments as the method wants them.
    pub(crate) async fn prepare(
        &self,
        order: &Order,
        value: &Value,
    ) -> Result<(Arc<Signature>, Vec<Variant>), Called> {
        let lost = |error: Error| Called {
            fatal: Some(error.status()).filter(|status| failure::is_fatal(*status)),
            ..Called::from(WriteAnswer::NotSent {
                message: format!("the method's arguments could not be read: {error}"),
            })
        };
        let signature = match &order.known {
            Some(known) => known.clone(),
            None => match self.signature(&order.target).await.map_err(lost)? {
                Some(signature) => Arc::new(signature),
                None => {
                    let status = StatusCode::BadMethodInvalid;
                    return Err(Called::from(failure::refused(status)));
                }
            },
        };
        let given = given(value, &signature.inputs).map_err(Called::refused)?;
        let mut arguments = Vec::new();
        for (json, parameter) in given.iter().zip(&signature.inputs) {
            let shape = self.shape(&parameter.data_type).await.map_err(lost)?;
            let scalar = builtin(&parameter.data_type).unwrap_or(match shape.as_deref() {
                Some(Shape::Plain(scalar)) => *scalar,
                _ => Type::ExtensionObject,
            });
            let argument =
                self.structures
                    .from_json(json, scalar, parameter.rank, shape.as_deref());
            let argument = argument
                .map_err(|why| Called::refused(format!("argument {:?}: {why}", parameter.name)))?;
            // A parameter of any type takes the value itself, not one in a box.
            arguments.push(match argument {
                Variant::Variant(inner) => *inner,
                other => other,
            });
        }
        Ok((signature, arguments))
    }

    /// Calls, and says what came of it.
    pub(crate) async fn call(
        &self,
        order: &Order,
        signature: Arc<Signature>,
        arguments: Vec<Variant>,
    ) -> Called {
        let request = CallMethodRequest {
            object_id: signature.object.clone(),
            method_id: signature.method.clone(),
            input_arguments: Some(arguments),
        };
        let started = std::time::Instant::now();
        let sent = Call::new(&self.session)
            .methods_to_call(vec![request])
            .timeout(order.timeout)
            .send(self.session.channel());
        let result = match sent.await {
            Ok(response) => response.results.unwrap_or_default().pop(),
            Err(error) => {
                let fatal = Some(error.status()).filter(|status| failure::is_fatal(*status));
                if fatal.is_none() {
                    self.statistics.failed(failure::name(error.status()));
                }
                return Called {
                    fatal,
                    ..Called::from(failure::write_failed(&error))
                };
            }
        };
        self.statistics.answered(started.elapsed());
        self.statistics.wrote();
        let Some(result) = result else {
            let message = "the server answered the call with nothing".to_owned();
            return Called::from(WriteAnswer::Unknown { message });
        };
        let mut called = self.judge(order, &signature, result).await;
        called.signature = Some(signature);
        called
    }

    async fn judge(
        &self,
        order: &Order,
        signature: &Signature,
        result: CallMethodResult,
    ) -> Called {
        let status = result.status_code;
        let mut called = Called::from(match failure::written(status) {
            WriteAnswer::Refused { code, message } => WriteAnswer::Refused {
                code,
                message: complaint(message, signature, &result),
            },
            other => other,
        });
        if !status.is_good() {
            self.statistics.failed(failure::name(status));
        }
        if status.is_good() && order.shown {
            let outputs = result.output_arguments.unwrap_or_default();
            match self.answer(order, signature, &outputs).await {
                Ok(reading) => called.reading = Some(reading),
                Err(error) => {
                    called.fatal = Some(error.status()).filter(|status| failure::is_fatal(*status));
                }
            }
        }
        called
    }

    async fn answer(
        &self,
        order: &Order,
        signature: &Signature,
        outputs: &[Variant],
    ) -> Result<Reading, Error> {
        let point = order.point;
        if order.value_type != mainstem_model::Scalar::Json.into() {
            let first = outputs.first().unwrap_or(&Variant::Empty);
            let found = from_device::value(first, order.value_type);
            return Ok(match found {
                Ok(value) => Reading::good(point, value),
                Err(mismatch) => {
                    self.statistics.failed(mismatch.0);
                    Reading::failed(point, mainstem_model::Reason::BadType)
                }
            });
        }
        let mut shown = Map::new();
        for (index, output) in outputs.iter().enumerate().take(ARGUMENTS_MAX) {
            let name = signature
                .outputs
                .get(index)
                .map(|parameter| parameter.name.clone());
            let name = name.filter(|name| !name.is_empty() && !shown.contains_key(name));
            let json = self.json(output).await?;
            shown.insert(name.unwrap_or_else(|| index.to_string()), json);
        }
        let value = Value::Json(Json::Object(shown).to_string().into());
        Ok(match value.check(order.value_type) {
            Ok(()) => Reading {
                point,
                value: Some(value),
                quality: Quality::GOOD,
                source_time: None,
            },
            Err(_) => Reading::failed(point, mainstem_model::Reason::BadType),
        })
    }

    // A value as JSON; types that are met here first are learned on the way.
    async fn json(&self, found: &Variant) -> Result<Json, Error> {
        for _ in 0..NEW_TYPES_MAX {
            match self.structures.json(found, None, false) {
                Ok(json) => return Ok(json),
                Err(Missing::Encoding(id)) => self.structures.learn_encoding(self, &id).await?,
                Err(Missing::Endless) => break,
            }
        }
        Ok(Json::Null)
    }

    /// What a data type is, learned if need be; `None` for built-in types and what cannot be known.
    pub(super) async fn shape(&self, data_type: &NodeId) -> Result<Option<Arc<Shape>>, Error> {
        if builtin(data_type).is_some() {
            return Ok(None);
        }
        self.structures.learn(self, data_type).await?;
        Ok(self.structures.shape(data_type))
    }

    async fn signature(&self, target: &Target) -> Result<Option<Signature>, Error> {
        let Some(method) = target.node.clone() else {
            return Ok(None);
        };
        let inverse = BrowseDirection::Inverse;
        let object = match &target.object {
            Some(object) => Some(object.clone()),
            None => {
                self.referred(&method, inverse, ReferenceTypeId::HasComponent)
                    .await?
            }
        };
        let Some(object) = object else {
            return Ok(None);
        };
        let forward = BrowseDirection::Forward;
        let properties = self
            .references(&method, forward, ReferenceTypeId::HasProperty)
            .await?;
        let mut arguments = [Vec::new(), Vec::new()];
        for (place, name) in ["InputArguments", "OutputArguments"]
            .into_iter()
            .enumerate()
        {
            let property = properties
                .iter()
                .find(|found| found.browse_name.name.as_ref() == name);
            if let Some(node) = property.cloned().and_then(local) {
                let found = self.read_values(vec![node]).await?.pop();
                arguments[place] = parameters(found.and_then(|found| found.value));
            }
        }
        let [inputs, outputs] = arguments;
        Ok(Some(Signature {
            object,
            method,
            inputs,
            outputs,
        }))
    }
}

fn parameters(found: Option<Variant>) -> Vec<Parameter> {
    let Some(Variant::Array(array)) = found else {
        return Vec::new();
    };
    let arguments = array
        .values
        .into_iter()
        .take(ARGUMENTS_MAX)
        .filter_map(|value| match value {
            Variant::ExtensionObject(object) => object.into_inner_as::<Argument>(),
            _ => None,
        });
    let parameter = arguments.map(|argument| Parameter {
        name: argument.name.as_ref().to_owned(),
        data_type: argument.data_type,
        rank: argument.value_rank,
    });
    parameter.collect()
}

// One JSON value per parameter.
fn given(value: &Value, inputs: &[Parameter]) -> Result<Vec<Json>, String> {
    let json = as_json(value)?;
    let names = || {
        inputs
            .iter()
            .map(|input| input.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let count = |count: usize| {
        format!(
            "the method takes {} arguments ({}), not {count}",
            inputs.len(),
            names()
        )
    };
    match json {
        Json::Array(items) if items.len() == inputs.len() => Ok(items),
        Json::Array(items) => Err(count(items.len())),
        Json::Object(mut fields) => {
            let mut given = Vec::new();
            for input in inputs {
                let found = fields.shift_remove(&input.name);
                given.push(
                    found.ok_or_else(|| format!("the argument {:?} is missing", input.name))?,
                );
            }
            match fields.keys().next() {
                Some(stranger) => Err(format!("no argument is named {stranger:?}: {}", names())),
                None => Ok(given),
            }
        }
        // What takes nothing is called by anything that says no more than "now".
        Json::Null | Json::Bool(true) if inputs.is_empty() => Ok(Vec::new()),
        single if inputs.len() == 1 => Ok(vec![single]),
        _ => Err(count(1)),
    }
}

// Which argument the server does not like, as far as it says so.
fn complaint(message: String, signature: &Signature, result: &CallMethodResult) -> String {
    let results = result.input_argument_results.iter().flatten();
    let bad = signature
        .inputs
        .iter()
        .zip(results)
        .filter(|(_, status)| status.is_bad());
    let bad: Vec<_> = bad
        .map(|(input, status)| format!("{}: {}", input.name, failure::name(*status)))
        .collect();
    if bad.is_empty() {
        message
    } else {
        format!("{message} ({})", bad.join(", "))
    }
}
