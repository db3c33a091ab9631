//! The formats of files beside the pages: Navigator layers and canvases, field by field.
//!
//! Layers: attack-navigator, `layers/spec/v4.5/layerformat.md`. Canvases: obsidianmd/jsoncanvas,
//! `spec/1.0.md`. A key that the format does not have is reported: a reader would ignore it in silence.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What a key has to hold.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Number,
    Integer,
    Flag,
    List,
    Map,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// `1` to `6`, or `#rrggbb`.
    Color,
}

/// A key, what it holds, and whether it has to be there.
type Field = (&'static str, Kind, bool);

const LAYER: &[Field] = &[
    ("versions", Kind::Map, true),
    ("name", Kind::Text, true),
    ("domain", Kind::OneOf(&["enterprise-attack", "mobile-attack", "ics-attack"]), true),
    ("description", Kind::Text, false),
    ("customDataURL", Kind::Text, false),
    ("filters", Kind::Map, false),
    ("sorting", Kind::Integer, false),
    ("layout", Kind::Map, false),
    ("hideDisabled", Kind::Flag, false),
    ("techniques", Kind::List, false),
    ("gradient", Kind::Map, false),
    ("legendItems", Kind::List, false),
    ("showTacticRowBackground", Kind::Flag, false),
    ("tacticRowBackground", Kind::Color, false),
    ("selectTechniquesAcrossTactics", Kind::Flag, false),
    ("selectSubtechniquesWithParent", Kind::Flag, false),
    ("selectVisibleTechniques", Kind::Flag, false),
    ("metadata", Kind::List, false),
    ("links", Kind::List, false),
];
const VERSIONS: &[Field] = &[
    ("attack", Kind::Text, false),
    ("navigator", Kind::Text, true),
    ("layer", Kind::OneOf(&["4.5"]), true),
];
const TECHNIQUE: &[Field] = &[
    ("techniqueID", Kind::Text, true),
    ("tactic", Kind::Text, false),
    ("comment", Kind::Text, false),
    ("enabled", Kind::Flag, false),
    ("score", Kind::Number, false),
    ("color", Kind::Color, false),
    ("metadata", Kind::List, false),
    ("links", Kind::List, false),
    ("showSubtechniques", Kind::Flag, false),
];
const GRADIENT: &[Field] = &[
    ("colors", Kind::List, true),
    ("minValue", Kind::Number, true),
    ("maxValue", Kind::Number, true),
];
const NODE: &[Field] = &[
    ("id", Kind::Text, true),
    ("type", Kind::OneOf(&["text", "file", "link", "group"]), true),
    ("x", Kind::Integer, true),
    ("y", Kind::Integer, true),
    ("width", Kind::Integer, true),
    ("height", Kind::Integer, true),
    ("color", Kind::Color, false),
    ("text", Kind::Text, false),
    ("file", Kind::Text, false),
    ("subpath", Kind::Text, false),
    ("url", Kind::Text, false),
    ("label", Kind::Text, false),
    ("background", Kind::Text, false),
    ("backgroundStyle", Kind::OneOf(&["cover", "ratio", "repeat"]), false),
];
const SIDES: Kind = Kind::OneOf(&["top", "right", "bottom", "left"]);
const ENDS: Kind = Kind::OneOf(&["none", "arrow"]);
const EDGE: &[Field] = &[
    ("id", Kind::Text, true),
    ("fromNode", Kind::Text, true),
    ("fromSide", SIDES, false),
    ("fromEnd", ENDS, false),
    ("toNode", Kind::Text, true),
    ("toSide", SIDES, false),
    ("toEnd", ENDS, false),
    ("color", Kind::Color, false),
    ("label", Kind::Text, false),
];

/// What is wrong with a Navigator layer of format 4.5.
pub(super) fn layer(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Some(layer) = map(text, &mut found) else { return found };
    fields("the layer", &layer, LAYER, &mut found);
    if let Some(versions) = layer.get("versions").and_then(Value::as_object) {
        fields("`versions`", versions, VERSIONS, &mut found);
    }
    let mut seen = BTreeSet::new();
    for technique in objects(&layer, "techniques", &mut found) {
        let id = technique.get("techniqueID").and_then(Value::as_str).unwrap_or_default();
        fields(&format!("the technique `{id}`"), technique, TECHNIQUE, &mut found);
        if catalogue::technique_id(id).as_deref() != Some(id) {
            found.push(format!("`{id}` is no id of a technique"));
        }
        if !seen.insert((id, technique.get("tactic").and_then(Value::as_str))) {
            found.push(format!("the technique `{id}` stands here twice"));
        }
    }
    if let Some(gradient) = layer.get("gradient").and_then(Value::as_object) {
        fields("`gradient`", gradient, GRADIENT, &mut found);
        let colors = gradient.get("colors").and_then(Value::as_array).map_or(0, Vec::len);
        let bound = |key: &str| gradient.get(key).and_then(Value::as_f64).unwrap_or_default();
        if colors < 2 || bound("maxValue") <= bound("minValue") {
            found.push("a gradient goes through two colours and from less to more".into());
        }
    }
    found
}

/// What is wrong with a canvas of version 1.0; `is_file` returns true if the vault has a file.
pub(super) fn canvas(text: &str, is_file: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let Some(canvas) = map(text, &mut found) else { return found };
    let lists: &[Field] = &[("nodes", Kind::List, false), ("edges", Kind::List, false)];
    fields("the canvas", &canvas, lists, &mut found);
    let mut ids = BTreeSet::new();
    for node in objects(&canvas, "nodes", &mut found) {
        let text = |key: &str| node.get(key).and_then(Value::as_str);
        let id = text("id").unwrap_or_default();
        fields(&format!("the node `{id}`"), node, NODE, &mut found);
        if !ids.insert(id) {
            found.push(format!("two nodes are called `{id}`"));
        }
        let wanted = match text("type") {
            Some("text") => "text",
            Some("file") => "file",
            Some("link") => "url",
            _ => continue,
        };
        match text(wanted) {
            None => found.push(format!("the node `{id}` has no `{wanted}`")),
            Some(path) if wanted == "file" && !is_file(path) => {
                found.push(format!("the node `{id}` shows `{path}`, which is not there"));
            }
            Some(_) => {}
        }
    }
    let mut edges = BTreeSet::new();
    for edge in objects(&canvas, "edges", &mut found) {
        let text = |key: &str| edge.get(key).and_then(Value::as_str).unwrap_or_default();
        let id = text("id");
        fields(&format!("the edge `{id}`"), edge, EDGE, &mut found);
        if !edges.insert(id) {
            found.push(format!("two edges are called `{id}`"));
        }
        for end in ["fromNode", "toNode"].map(text) {
            if !ids.contains(end) {
                found.push(format!("the edge `{id}` ends at `{end}`, which is no node"));
            }
        }
    }
    found
}

fn map(text: &str, found: &mut Vec<String>) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => return Some(map),
        Ok(_) => found.push("the file is no JSON object".into()),
        Err(error) => found.push(format!("the file is not JSON: {error}")),
    }
    None
}

/// The objects of a list; anything else in it is reported.
fn objects<'m>(
    map: &'m Map<String, Value>,
    key: &str,
    found: &mut Vec<String>,
) -> Vec<&'m Map<String, Value>> {
    let list = map.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let objects: Vec<_> = list.iter().filter_map(Value::as_object).collect();
    if objects.len() != list.len() {
        found.push(format!("`{key}` holds something that is no object"));
    }
    objects
}

fn fields(what: &str, map: &Map<String, Value>, known: &[Field], found: &mut Vec<String>) {
    for (key, kind, required) in known {
        match map.get(*key) {
            None if *required => found.push(format!("{what} has no `{key}`")),
            Some(value) if !kind.fits(value) => {
                found.push(format!("`{key}` of {what} is {value}, which the format does not take"));
            }
            _ => {}
        }
    }
    for key in map.keys().filter(|key| known.iter().all(|(known, ..)| known != key)) {
        found.push(format!("{what} has `{key}`, which the format does not know"));
    }
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Kind::Text => value.is_string(),
            Kind::Number => value.is_number(),
            Kind::Integer => value.is_i64(),
            Kind::Flag => value.is_boolean(),
            Kind::List => value.is_array(),
            Kind::Map => value.is_object(),
            Kind::OneOf(texts) => value.as_str().is_some_and(|text| texts.contains(&text)),
            Kind::Color => value.as_str().is_some_and(|text| match text.strip_prefix('#') {
                Some(digits) => digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()),
                None => matches!(text, "1" | "2" | "3" | "4" | "5" | "6"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_layer_is_held_against_every_field_of_the_format() {
        let sound = json!({
            "name": "n", "domain": "enterprise-attack", "description": "",
            "versions": {"attack": "18", "navigator": "5.1.0", "layer": "4.5"},
            "techniques": [{"techniqueID": "T1102.002", "score": 1, "enabled": true}, {"techniqueID": "T1102"}],
            "gradient": {"colors": ["#ffffff", "#3182bd"], "minValue": 0, "maxValue": 1},
        });
        assert_eq!(layer(&sound.to_string()), Vec::<String>::new());
        for (pointer, value) in [
            ("/name", json!(1)),
            ("/domain", json!("mitre")),
            ("/versions/layer", json!("4.4")),
            ("/versions/more", json!("")),
            ("/techniques/0/techniqueID", json!("T1")),
            ("/techniques/0/techniqueID", json!("T1102")),
            ("/techniques/0/score", json!("1")),
            ("/techniques/1", json!("T1102")),
            ("/techniques/1/colour", json!("#ffffff")),
            ("/techniques/1/color", json!("#fff")),
            ("/gradient/colors", json!(["#ffffff"])),
            ("/gradient/maxValue", json!(0)),
            ("/gradient", json!({})),
            ("/versions", json!({})),
        ] {
            let mut broken = sound.clone();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            match broken.pointer_mut(parent).unwrap() {
                Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
                parent => parent[key] = value,
            }
            assert!(!layer(&broken.to_string()).is_empty(), "{pointer}");
        }
        assert!(!layer("{").is_empty() && !layer("[]").is_empty());
    }

    #[test]
    fn a_canvas_is_held_against_every_field_of_the_format() {
        let node = |id: &str, file: &str| json!({"id": id, "type": "file", "file": file, "x": 0, "y": -1, "width": 2, "height": 3, "color": "5"});
        let sound = json!({
            "nodes": [node("a", "A.md"), node("b", "A.md")],
            "edges": [{"id": "e", "fromNode": "a", "fromSide": "bottom", "toNode": "b", "toSide": "top"}],
        });
        let check = |value: &Value| canvas(&value.to_string(), |path| path == "A.md");
        assert_eq!(check(&sound), Vec::<String>::new());
        for (pointer, value) in [
            ("/nodes/0/id", json!("b")),
            ("/nodes/0/type", json!("page")),
            ("/nodes/0/type", json!("text")),
            ("/nodes/0/file", json!("B.md")),
            ("/nodes/0/x", json!(0.5)),
            ("/nodes/0/color", json!("7")),
            ("/edges/0/toNode", json!("c")),
            ("/edges/0/toSide", json!("under")),
            ("/edges/0/toEnd", json!("circle")),
            ("/edges/0/width", json!(1)),
            ("/nodes", json!({})),
        ] {
            let mut broken = sound.clone();
            match broken.pointer_mut(pointer) {
                Some(place) => *place = value,
                None => {
                    let (parent, key) = pointer.rsplit_once('/').unwrap();
                    broken.pointer_mut(parent).unwrap()[key] = value;
                }
            }
            assert!(!check(&broken).is_empty(), "{pointer}");
        }
        assert_eq!(canvas("{}", |_| false), Vec::<String>::new());
    }
}
