//! Who moves without a change of their own document: the instances that follow a channel.

use crate::change::{ObjectKey, Value};
use crate::diff::Change;
use crate::gate::Circumstances;
use std::collections::HashSet;
use std::sync::Arc;

/// The objects that a plan moves without changing their documents: those that follow a channel whose
/// target it changes, unless they are pinned.
pub(super) fn followers<'a>(changes: &[&Change], circumstances: &Circumstances<'a>) -> Vec<&'a ObjectKey> {
    let moves = changes.iter().filter(|change| change.moves_followers());
    followers_of(&moves.map(|change| &change.key).collect(), circumstances)
}

/// Those that follow one of `channels` and are not pinned.
pub(super) fn followers_of<'a>(
    channels: &HashSet<&ObjectKey>,
    circumstances: &Circumstances<'a>,
) -> Vec<&'a ObjectKey> {
    if channels.is_empty() {
        return Vec::new();
    }
    let follows = |object: &&Arc<crate::resolve::Object>| {
        &*object.key.kind == "Instance"
            && object.references.iter().any(|key| channels.contains(key))
            && object.value().at(&["spec", "update", "pin"]).is_none_or(|pin| *pin == Value::Null)
    };
    circumstances.desired.objects.iter().filter(follows).map(|object| &object.key).collect()
}
