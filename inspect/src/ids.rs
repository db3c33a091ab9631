//! Indices into a pack, each of its own type so that none is taken for another.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as a position in its table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

ids! {
    /// A field that the pack asks events for: an index into
    /// [`Tables::fields`](crate::pack::Tables::fields).
    FieldId,
    /// A rule: an index into [`Tables::rules`](crate::pack::Tables::rules).
    RuleId,
    /// A detection item, true or false on an event: an index into
    /// [`Tables::atoms`](crate::pack::Tables::atoms).
    AtomId,
    /// One value of a detection item: an index into [`Tables::patterns`](crate::pack::Tables::patterns).
    PatternId,
    /// A correlation: an index into [`Tables::correlations`](crate::pack::Tables::correlations).
    CorrelationId,
    /// A string: an index into [`Tables::strings`](crate::pack::Tables::strings).
    StrId,
}
