//! The classes of an OWL ontology: their texts, superclasses and relations.

use std::collections::{BTreeMap, HashMap};

use oxrdf::{BlankNode, NamedOrBlankNode, Term};
use oxttl::TurtleParser;

const SUB_CLASS_OF: &str = "http://www.w3.org/2000/01/rdf-schema#subClassOf";
const DEPRECATED: &str = "http://www.w3.org/2002/07/owl#deprecated";
const ON_PROPERTY: &str = "http://www.w3.org/2002/07/owl#onProperty";
const SOME_VALUES_FROM: &str = "http://www.w3.org/2002/07/owl#someValuesFrom";

/// A class of an ontology. Names are IRIs.
#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    /// Texts by property, in the order of the file.
    pub(super) texts: BTreeMap<String, Vec<String>>,
    /// Named superclasses.
    pub(super) parents: Vec<String>,
    /// Property and class of each restriction, and of each statement about another name.
    pub(super) relations: Vec<(String, String)>,
    /// True if it is marked as deprecated.
    pub(super) deprecated: bool,
}

/// A restriction: some value of a property is of a class.
#[derive(Default)]
struct Restriction {
    property: Option<String>,
    class: Option<String>,
}

/// Reads the classes of an ontology in Turtle, by name; the error is a message with its line.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, Class>, String> {
    let mut classes: BTreeMap<String, Class> = BTreeMap::new();
    let mut restrictions: HashMap<BlankNode, Restriction> = HashMap::new();
    let mut restricted: Vec<(String, BlankNode)> = Vec::new();
    for triple in TurtleParser::new().for_slice(text) {
        let triple = triple.map_err(|error| {
            format!("line {}: {}", error.location().start.line + 1, error.message())
        })?;
        let property = triple.predicate.as_str();
        match triple.subject {
            NamedOrBlankNode::NamedNode(subject) => {
                let subject = subject.into_string();
                let class = classes.entry(subject.clone()).or_default();
                match triple.object {
                    Term::NamedNode(parent) if property == SUB_CLASS_OF => {
                        class.parents.push(parent.into_string());
                    }
                    Term::NamedNode(other) => {
                        class.relations.push((property.to_owned(), other.into_string()));
                    }
                    Term::BlankNode(node) if property == SUB_CLASS_OF => {
                        restricted.push((subject, node));
                    }
                    Term::Literal(value) if property == DEPRECATED => {
                        class.deprecated = value.value() == "true";
                    }
                    Term::Literal(value) => {
                        let texts = class.texts.entry(property.to_owned()).or_default();
                        texts.push(value.value().to_owned());
                    }
                    Term::BlankNode(_) => {}
                }
            }
            NamedOrBlankNode::BlankNode(node) => {
                let Term::NamedNode(object) = triple.object else { continue };
                let restriction = restrictions.entry(node).or_default();
                match property {
                    ON_PROPERTY => restriction.property = Some(object.into_string()),
                    SOME_VALUES_FROM => restriction.class = Some(object.into_string()),
                    _ => {}
                }
            }
        }
    }
    for (name, node) in restricted {
        if let Some(Restriction { property: Some(property), class: Some(class) }) =
            restrictions.remove(&node)
            && let Some(restricted) = classes.get_mut(&name)
        {
            restricted.relations.push((property, class));
        }
    }
    Ok(classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_texts_parents_and_restrictions() {
        let text = r#"
            @prefix : <urn:x#> .
            @prefix owl: <http://www.w3.org/2002/07/owl#> .
            @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
            :A a owl:Class ;
                rdfs:label "first; with \"quotes\" and \u00e9"@en, "second" ;
                rdfs:subClassOf :B, [ a owl:Restriction ; owl:onProperty :uses ; owl:someValuesFrom :C ] ;
                owl:deprecated true .
        "#;
        let classes = read(text).unwrap();
        let class = &classes["urn:x#A"];
        assert_eq!(
            class.texts["http://www.w3.org/2000/01/rdf-schema#label"],
            ["first; with \"quotes\" and é", "second"]
        );
        assert_eq!(class.parents, ["urn:x#B"]);
        assert!(class.relations.contains(&("urn:x#uses".into(), "urn:x#C".into())));
        assert!(class.deprecated);
    }

    #[test]
    fn a_syntax_error_has_its_line() {
        let error = read("@prefix : <urn:x#> .\n:A a :B .\n:C a ] .\n").unwrap_err();
        assert!(error.starts_with("line 3: "), "{error}");
    }
}
