//! Resources of type `Uplink`.

use mainstem_model::Name;
use mainstem_remote::{UplinkConfig, UplinkSection};

use crate::load::Draft;
use crate::names::resources;
use crate::remotes::trust;
use crate::schema::Section;

/// The uplinks that are right, in the order of the file.
pub(crate) fn read(draft: &mut Draft<'_>) -> Vec<UplinkConfig> {
    let section = Section::of::<UplinkSection>();
    let mut uplinks = Vec::new();
    for resource in resources(draft.json, "Uplink") {
        let pointer = &resource.pointer;
        let mut properties = resource.properties.clone();
        section.prune(&mut properties);
        section.check(&properties, draft.tree, pointer, draft.report);
        let trust = trust(draft, &properties, pointer);
        let read: Option<UplinkSection> = draft.read(&properties, pointer);
        let name = Name::component(resource.id).ok();
        if let (Some(section), Some(name), Some(trust)) = (read, name, trust) {
            uplinks.push(section.resolve(name, trust));
        }
    }
    uplinks
}
