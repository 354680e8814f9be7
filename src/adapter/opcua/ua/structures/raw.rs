//! Bodies of structures as they arrive. The stack would break the whole message, and so the
//! session, over one body that it cannot decode; here such a body stays bytes.

use std::io::Read;

use opcua::types::{
    ByteString, ByteStringBody, Context, DynEncodable, EncodingResult, Error, ExtensionObject,
    FallbackTypeLoader, GeneratedTypeLoader, NodeId, StatusCode, TypeLoader, TypeLoaderCollection,
    TypeLoaderPriority,
};

/// Reads the body of every structure.
pub(crate) struct RawBodies;

impl RawBodies {
    /// The loaders of a session, this one before all others.
    pub(crate) fn collection() -> TypeLoaderCollection {
        let mut loaders = TypeLoaderCollection::new_empty();
        loaders.add_type_loader(Self);
        loaders.add_type_loader(FallbackTypeLoader);
        loaders
    }
}

impl TypeLoader for RawBodies {
    fn load_from_binary(
        &self,
        node_id: &NodeId,
        stream: &mut dyn Read,
        context: &Context<'_>,
        length: Option<usize>,
    ) -> Option<EncodingResult<Box<dyn DynEncodable>>> {
        let length = length?;
        Some(body(length, stream, context).map(|bytes| {
            // What the specification itself defines is decoded by the stack, if it is right.
            let mut rest = &bytes[..];
            match GeneratedTypeLoader.load_from_binary(node_id, &mut rest, context, Some(length)) {
                Some(Ok(known)) => known,
                _ => Box::new(ByteStringBody::new(
                    ByteString::from(bytes),
                    node_id.clone(),
                )) as Box<dyn DynEncodable>,
            }
        }))
    }

    fn priority(&self) -> TypeLoaderPriority {
        TypeLoaderPriority::Core
    }
}

// A length is believed as far as its bytes arrive.
fn body(length: usize, stream: &mut dyn Read, context: &Context<'_>) -> EncodingResult<Vec<u8>> {
    let limit = context.options().max_message_size;
    if limit > 0 && length > limit {
        let message = format!("a structure of {length} bytes");
        return Err(Error::new(StatusCode::BadEncodingLimitsExceeded, message));
    }
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length {
        return Ok(bytes);
    }
    let message = format!("{} of {length} bytes of a structure", bytes.len());
    Err(Error::new(StatusCode::BadDecodingError, message))
}

/// A structure's encoding and bytes; `None` if it is null.
pub(super) fn parts(object: &ExtensionObject, context: &Context<'_>) -> Option<(NodeId, Vec<u8>)> {
    if let Some(raw) = object.inner_as::<ByteStringBody>() {
        return Some((raw.encoding_id().clone(), raw.raw_body().as_ref().to_vec()));
    }
    let body = object.body.as_ref()?;
    let mut bytes = Vec::new();
    // What the stack has decoded it can encode; if not, the bytes are short and so refused.
    if body.encode_binary(&mut bytes, context).is_err() {
        bytes.clear();
    }
    Some((object.binary_type_id().node_id, bytes))
}
