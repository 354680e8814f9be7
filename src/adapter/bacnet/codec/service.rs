//! The services that are used, and what devices answer to them.

use super::apdu::{self, error_pair};
use super::tag::{self, Class, Tags};
use super::value::{self, Raw};
use super::{INSTANCE_MAX, Malformed, ObjectId};

/// Confirmed services.
pub(crate) const COV_CONFIRMED: u8 = 1;
pub(crate) const SUBSCRIBE_COV: u8 = 5;
pub(crate) const READ: u8 = 12;
pub(crate) const READ_MULTIPLE: u8 = 14;
pub(crate) const WRITE: u8 = 15;
/// Services without an answer.
pub(crate) const I_AM: u8 = 0;
pub(crate) const COV_UNCONFIRMED: u8 = 2;
const WHO_IS: u8 = 8;

/// Objects and values that one answer may have.
const ITEMS_MAX: usize = 4_096;

/// A property of an object, or an element of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Target {
    pub(crate) object: ObjectId,
    pub(crate) property: u32,
    pub(crate) index: Option<u32>,
}

/// What a device says about a property: its values, or the class and code of an error.
pub(crate) type Told = Result<Vec<Raw>, (u32, u32)>;

/// A change that a device tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notification {
    pub(crate) process: u32,
    pub(crate) device: ObjectId,
    pub(crate) object: ObjectId,
    pub(crate) values: Vec<(u32, Vec<Raw>)>,
}

/// What a device says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IAm {
    pub(crate) device: ObjectId,
    pub(crate) apdu_max: u32,
    pub(crate) segmentation: u32,
    pub(crate) vendor: u32,
}

/// Asks for one property.
pub(crate) fn read(out: &mut Vec<u8>, target: &Target) {
    context(out, 0, &target.object.to_bits().to_be_bytes());
    property(out, 1, target);
}

/// Asks for several. Targets of the same object in a row share its name.
pub(crate) fn read_multiple(out: &mut Vec<u8>, targets: &[Target]) {
    for of_object in targets.chunk_by(|one, next| one.object == next.object) {
        context(out, 0, &of_object[0].object.to_bits().to_be_bytes());
        tag::put(out, Class::Opening, 1, &[]);
        for target in of_object {
            property(out, 0, target);
        }
        tag::put(out, Class::Closing, 1, &[]);
    }
}

/// Writes one property.
pub(crate) fn write(out: &mut Vec<u8>, target: &Target, values: &[Raw], priority: Option<u8>) {
    read(out, target);
    tag::put(out, Class::Opening, 3, &[]);
    for value in values {
        value::encode(out, value);
    }
    tag::put(out, Class::Closing, 3, &[]);
    if let Some(priority) = priority {
        context(out, 4, &[priority]);
    }
}

/// Subscribes to changes of an object; without `how` the subscription is given up.
pub(crate) fn subscribe(
    out: &mut Vec<u8>,
    process: u32,
    object: ObjectId,
    how: Option<(bool, u32)>,
) {
    context(out, 0, &tag::unsigned_bytes(u64::from(process)));
    context(out, 1, &object.to_bits().to_be_bytes());
    if let Some((confirmed, seconds)) = how {
        context(out, 2, &[u8::from(confirmed)]);
        context(out, 3, &tag::unsigned_bytes(u64::from(seconds)));
    }
}

/// Asks devices with instances in a range to say who they are.
pub(crate) fn who_is(range: Option<(u32, u32)>) -> Vec<u8> {
    let mut out = apdu::told(WHO_IS);
    if let Some((low, high)) = range {
        context(&mut out, 0, &tag::unsigned_bytes(u64::from(low)));
        context(&mut out, 1, &tag::unsigned_bytes(u64::from(high)));
    }
    out
}

fn context(out: &mut Vec<u8>, number: u8, content: &[u8]) {
    tag::put(out, Class::Context, number, content);
}

fn property(out: &mut Vec<u8>, number: u8, target: &Target) {
    context(
        out,
        number,
        &tag::unsigned_bytes(u64::from(target.property)),
    );
    if let Some(index) = target.index {
        context(out, number + 1, &tag::unsigned_bytes(u64::from(index)));
    }
}

fn object(bytes: &[u8]) -> Result<ObjectId, Malformed> {
    let bits = <[u8; 4]>::try_from(bytes).map_err(|_| Malformed("an object without a name"))?;
    Ok(ObjectId::from_bits(u32::from_be_bytes(bits)))
}

/// The answer to [`read`]: which property, and its values.
pub(crate) fn read_answer(body: &[u8]) -> Result<(Target, Vec<Raw>), Malformed> {
    let mut tags = Tags::new(body);
    let target = Target {
        object: object(tags.context(0)?)?,
        property: tag::unsigned32(tags.context(1)?)?,
        index: tags.optional(2)?.map(tag::unsigned32).transpose()?,
    };
    let values = value::decode_all(tags.group(3)?)?;
    end(&tags)?;
    Ok((target, values))
}

/// The answer to [`read_multiple`].
pub(crate) fn read_multiple_answer(body: &[u8]) -> Result<Vec<(Target, Told)>, Malformed> {
    let mut tags = Tags::new(body);
    let mut answers = Vec::new();
    while !tags.is_empty() {
        let object = object(tags.context(0)?)?;
        let mut results = Tags::new(tags.group(1)?);
        while !results.is_empty() {
            if answers.len() == ITEMS_MAX {
                return Err(Malformed("an answer of more values than were asked for"));
            }
            let target = Target {
                object,
                property: tag::unsigned32(results.context(2)?)?,
                index: results.optional(3)?.map(tag::unsigned32).transpose()?,
            };
            let told = match results.at(Class::Opening, 5) {
                true => Err(error_pair(&mut Tags::new(results.group(5)?))?),
                false => Ok(value::decode_all(results.group(4)?)?),
            };
            answers.push((target, told));
        }
    }
    Ok(answers)
}

/// A change that is told.
pub(crate) fn notification(body: &[u8]) -> Result<Notification, Malformed> {
    let mut tags = Tags::new(body);
    let process = tag::unsigned32(tags.context(0)?)?;
    let device = object(tags.context(1)?)?;
    let object = object(tags.context(2)?)?;
    tags.context(3)?;
    let mut list = Tags::new(tags.group(4)?);
    let mut values = Vec::new();
    while !list.is_empty() {
        if values.len() == ITEMS_MAX {
            return Err(Malformed("a change of too many values"));
        }
        let property = tag::unsigned32(list.context(0)?)?;
        list.optional(1)?;
        values.push((property, value::decode_all(list.group(2)?)?));
        list.optional(3)?;
    }
    end(&tags)?;
    Ok(Notification {
        process,
        device,
        object,
        values,
    })
}

/// A device says who it is.
pub(crate) fn i_am(body: &[u8]) -> Result<IAm, Malformed> {
    let wrong = Malformed("an I-Am that says nothing");
    let values = value::decode_all(body)?;
    let number = |raw: &Raw| match raw {
        Raw::Unsigned(number) => u32::try_from(*number).map_err(|_| wrong),
        Raw::Enumerated(number) => Ok(*number),
        _ => Err(wrong),
    };
    match values.as_slice() {
        [Raw::Object(device), apdu_max, segmentation, vendor]
            if device.kind == super::DEVICE && device.instance < INSTANCE_MAX =>
        {
            Ok(IAm {
                device: *device,
                apdu_max: number(apdu_max)?,
                segmentation: number(segmentation)?,
                vendor: number(vendor)?,
            })
        }
        _ => Err(wrong),
    }
}

fn end(tags: &Tags<'_>) -> Result<(), Malformed> {
    match tags.rest() {
        [] => Ok(()),
        _ => Err(Malformed("bytes behind the end of an answer")),
    }
}
