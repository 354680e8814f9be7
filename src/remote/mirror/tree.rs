//! Sources, definitions and removals of the neighbour.

use mainstem_model::{Name, Quality, Reason};
use mainstem_store::{NewSource, ToldSource};
use mainstem_wire::{DefineFrame, Line, SourceFrame};

use super::REMOTE_IDS_MAX;
use super::place::depth_of;
use super::{Mapped, MappedPoint, Mirror, MirrorError};

impl Mirror {
    pub(super) fn tree(&mut self, line: &Line<'_>) -> Result<(), MirrorError> {
        if let Some(source) = &line.source {
            self.keep_to_one_place(source)?;
            self.source(source)?;
        }
        if let Some(status) = &line.status {
            self.status(
                status.id,
                Quality {
                    status: status.status,
                    reason: status.reason,
                },
            );
        }
        self.aliases(&line.alias);
        if !line.define.is_empty() || !line.r.0.is_empty() || line.end {
            self.keep_same();
        }
        for definition in &line.define {
            self.define(definition)?;
        }
        for id in &line.remove {
            if let Some(point) = self.points.get_mut(*id as usize).and_then(Option::take) {
                self.point_count -= 1;
                self.store.remove_points(&[point.id]);
            }
        }
        for id in &line.gone {
            if let Some(mapped) = self.sources.remove(id) {
                self.store.remove_source(mapped.id);
            }
        }
        Ok(())
    }

    fn source(&mut self, frame: &SourceFrame) -> Result<(), MirrorError> {
        let parent = match frame
            .parent
            .map(|parent| self.sources.get(&parent).copied())
        {
            // Its parent was pruned, and so is it.
            Some(None) => return Ok(()),
            Some(Some(parent)) => Some(parent),
            None => None,
        };
        if let Some(why) = self.unwanted(frame, parent) {
            self.prune(frame, parent, why);
            return Ok(());
        }
        let depth = depth_of(frame, parent);
        let told = Quality {
            status: frame.status,
            reason: frame.reason,
        };
        let new = NewSource {
            parent: Some(parent.map_or(self.link, |parent| parent.id)),
            node: frame.node,
            name: frame.name.as_str().into(),
            role: frame.role,
            epoch: frame.epoch,
            quality: told,
            complete: frame.complete,
            remote_id: Some(frame.id),
        };
        let is_first_hand = self
            .hello
            .as_ref()
            .is_some_and(|hello| hello.node == frame.node);
        let ToldSource {
            id,
            counter,
            rewound,
            is_doubted,
        } = self.store.put_mirror_source(new, is_first_hand);
        self.suspected.remove(&frame.id);
        self.sources.insert(
            frame.id,
            Mapped {
                id,
                epoch: counter,
                lifted_from: frame.epoch.counter,
                told,
                depth,
            },
        );
        if let Some(seen) = &mut self.seen {
            seen.source(id, frame.complete);
        }
        if is_doubted {
            self.lives.doubt(frame.id);
        }
        match rewound {
            Some(known) => self.put_back(known, frame.epoch),
            None => Ok(()),
        }
    }

    fn status(&mut self, remote_id: u32, told: Quality) {
        let Some(mapped) = self.sources.get_mut(&remote_id) else {
            return;
        };
        mapped.told = told;
        let shown = if self.suspected.contains(&remote_id) {
            told.worse(Quality::of(Reason::LinkQuiet))
        } else {
            told
        };
        self.store.set_status(mapped.id, shown);
    }

    /// A link further down was silent for too long, as far as can be known here; or no longer.
    pub fn suspect(&mut self, remote_id: u32, silent: bool) {
        let Some(mapped) = self.sources.get(&remote_id).copied() else {
            return;
        };
        let changed = if silent {
            self.suspected.insert(remote_id)
        } else {
            self.suspected.remove(&remote_id)
        };
        if changed {
            self.status(remote_id, mapped.told);
        }
    }

    fn define(&mut self, frame: &DefineFrame) -> Result<(), MirrorError> {
        if frame.id as usize >= REMOTE_IDS_MAX {
            return Err(MirrorError::Number(frame.id));
        }
        let Some(remote_source) = frame.source else {
            return Ok(());
        };
        let Some(source) = self.sources.get(&remote_source).copied() else {
            return Ok(());
        };
        if self.point_count >= self.limits.points {
            let why = format!(
                "more than {} datapoints from one remote",
                self.limits.points
            );
            self.leave_out(&frame.name, &why);
            return Ok(());
        }
        let name = match Name::new(&frame.name).and_then(|name| name.below(&self.prefix)) {
            Ok(name) => name,
            Err(error) => {
                self.leave_out(&frame.name, &error.to_string());
                return Ok(());
            }
        };
        if !self.is_wanted(&frame.name, &name) {
            return Ok(());
        }
        match self
            .store
            .define_mirror(source.id, &name, frame.definition(), frame.id)
        {
            Ok(id) => {
                let value_type = frame.value_type;
                self.keep(
                    frame.id,
                    MappedPoint {
                        id,
                        value_type,
                        source: remote_source,
                    },
                );
                if let Some(seen) = &mut self.seen {
                    seen.point(id);
                }
            }
            Err(error) => self.leave_out(&frame.name, &error.to_string()),
        }
        Ok(())
    }

    pub(super) fn keep(&mut self, remote_id: u32, point: MappedPoint) {
        let index = remote_id as usize;
        if index >= REMOTE_IDS_MAX {
            return;
        }
        if self.points.len() <= index {
            self.points.resize(index + 1, None);
        }
        if self.points[index].replace(point).is_none() {
            self.point_count += 1;
        }
    }

    pub(super) fn leave_out(&mut self, name: &str, why: &str) {
        self.counters.left_out += 1;
        let name: String = name.chars().take(80).collect();
        self.last_left_out = Some(format!("{name}: {why}"));
    }
}
