//! Answers the fields of behaviour that a pack names.

use crate::behaviour::{Behaviour, BehaviourField, BehaviourFields, Observed, Ratio};
use crate::decimal::Decimal;
use crate::event::{Event, Slot};
use crate::ids::FieldId;
use crate::pack::Phase;
use crate::proxy_field::ProxyField;

/// Which of a pack's fields behaviour answers, computed once per pack.
#[derive(Debug, Default)]
pub(crate) struct BehaviourBinding {
    fields: Vec<(BehaviourField, FieldId)>,
}

impl BehaviourBinding {
    /// Takes the fields of behaviour out of those that a pack names.
    pub(crate) fn take(named: &mut Vec<(ProxyField, FieldId)>) -> BehaviourBinding {
        let mut fields = Vec::new();
        named.retain(|(field, id)| match field {
            ProxyField::Behaviour(field) => {
                fields.push((*field, *id));
                false
            }
            _ => true,
        });
        BehaviourBinding { fields }
    }

    /// Returns the fields that rules ask for.
    pub(crate) fn fields(&self) -> BehaviourFields {
        self.fields.iter().map(|(field, _)| *field).collect()
    }

    /// Returns true if a field is one of behaviour.
    pub(crate) fn has(&self, field: FieldId) -> bool {
        self.fields.iter().any(|(_, id)| *id == field)
    }

    /// Returns true if a field is one of a response's.
    pub(crate) fn is_of_response(&self, field: FieldId) -> bool {
        self.fields.iter().any(|(known, id)| *id == field && known.phase() == Phase::Response)
    }

    /// Answers the fields; those of a response only where there is one. Other packs pay nothing.
    pub(crate) fn answer(&self, behaviour: &Behaviour, has_response: bool, event: &mut Event) {
        for (field, id) in &self.fields {
            if field.phase() == Phase::Response && !has_response {
                event.await_answer(*id);
            } else {
                answer_field(*field, *id, behaviour, event);
            }
        }
    }

    /// Answers the fields of a request that an event still waits for; returns those that are known now.
    pub(crate) fn answer_awaited(&self, behaviour: &Behaviour, event: &mut Event) -> Vec<FieldId> {
        let mut answered = Vec::new();
        for (field, id) in &self.fields {
            if field.phase() == Phase::Response || event.slot(*id) != Slot::Unknown {
                continue;
            }
            event.stop_awaiting(*id);
            answer_field(*field, *id, behaviour, event);
            if event.slot(*id) != Slot::Unknown {
                answered.push(*id);
            }
        }
        answered
    }

    /// Says of the fields that an event does not have that they are not known: its own answers stay.
    pub(crate) fn await_rest(&self, event: &mut Event) {
        self.fields.iter().for_each(|(_, id)| event.await_answer(*id));
    }
}

fn answer_field(field: BehaviourField, id: FieldId, behaviour: &Behaviour, event: &mut Event) {
    match field {
        BehaviourField::ActiveHours => count(behaviour.active_hours, id, event),
        BehaviourField::AfterDeadDrop => count(behaviour.after_dead_drop, id, event),
        BehaviourField::Beacon => ratio(behaviour.beacon, id, event),
        BehaviourField::BeaconPeriod => count(behaviour.beacon_period, id, event),
        BehaviourField::FirstUse => match behaviour.first_use {
            Observed::Unknown => event.await_answer(id),
            Observed::Absent => {}
            Observed::Value(first_uses) => {
                for name in first_uses.names() {
                    answer(name.as_bytes(), id, event);
                }
            }
        },
        BehaviourField::Identities => count(behaviour.identities, id, event),
        BehaviourField::NewHosts => count(behaviour.new_hosts, id, event),
        BehaviourField::Prevalence => ratio(behaviour.prevalence, id, event),
        BehaviourField::Requests => count(behaviour.requests, id, event),
        BehaviourField::ServicePrevalence => ratio(behaviour.service_prevalence, id, event),
        BehaviourField::Sources => count(behaviour.sources, id, event),
        BehaviourField::TunnelSeconds => count(behaviour.tunnel_seconds, id, event),
        BehaviourField::UploadBytes => count(behaviour.upload_bytes, id, event),
        BehaviourField::UploadRatio => ratio(behaviour.upload_ratio, id, event),
    }
}

fn count<T: Into<u64>>(value: Observed<T>, id: FieldId, event: &mut Event) {
    match value {
        Observed::Unknown => event.await_answer(id),
        Observed::Absent => {}
        Observed::Value(number) => answer(Decimal::new(number.into()).as_bytes(), id, event),
    }
}

fn ratio(value: Observed<Ratio>, id: FieldId, event: &mut Event) {
    match value {
        Observed::Unknown => event.await_answer(id),
        Observed::Absent => {}
        Observed::Value(ratio) => answer(ratio.write(&mut [0; 9]), id, event),
    }
}

/// What we say of a request is no text of it: keywords do not see it.
fn answer(bytes: &[u8], id: FieldId, event: &mut Event) {
    let text = event.text(bytes).part();
    event.answer(id, text);
}
