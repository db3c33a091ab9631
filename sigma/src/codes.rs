//! Every finding of the rule language.

diagnostics::codes! {
    /// The document is not a Sigma rule: it is not a map.
    NOT_A_RULE = "S004", Error, "not a Sigma rule";
    /// A key that every Sigma rule needs is missing.
    MISSING_KEY = "S005", Error, "missing key";
    /// The value of a key has another type than the specification says.
    WRONG_TYPE = "S006", Error, "wrong type of value";
    /// The value of a key is not one that the specification lists.
    UNKNOWN_VALUE = "S007", Error, "unknown value";

    /// A modifier behind `|` that the specification does not have, or that this version does not run.
    /// A rule whose modifier is not understood would be compared in another way than its author meant.
    UNKNOWN_MODIFIER = "S010", Error, "unknown modifier";
    /// A modifier that cannot be used on this value, or not behind the modifiers before it.
    WRONG_MODIFIER = "S011", Error, "modifier does not fit";
    /// A field that events of this log source do not have, by Sigma's taxonomy.
    /// A misspelt field is always missing, so that the rule would never match, or always.
    UNKNOWN_FIELD = "S012", Error, "unknown field";
    /// A search identifier has nothing to look for.
    EMPTY_SEARCH = "S013", Error, "nothing to search for";
    /// No values are given for a placeholder of `expand`.
    UNRESOLVED_PLACEHOLDER = "S014", Error, "placeholder without values";
    /// A rule that depends only on what a proxy does not see, where rules for a proxy are requested.
    /// It would never match, or always.
    NOT_AT_PROXY = "S015", Error, "cannot be decided at a proxy";

    /// The modifiers cannot be applied to the value.
    WRONG_VALUE = "S020", Error, "value does not fit its modifiers";
    /// A network that is not written as an address and a prefix length, or whose address has bits
    /// behind it.
    INVALID_NETWORK = "S021", Error, "invalid network";
    /// A regular expression that cannot be read.
    /// Expressions follow RE2, the subset that the specification and pySigma check rules by: no look-around
    /// and no back references, so that matching takes time in proportion to the text.
    INVALID_REGEX = "S022", Error, "invalid regular expression";
    /// A regular expression whose automaton would be larger than the bound.
    REGEX_TOO_LARGE = "S023", Error, "regular expression beyond the bounds";

    /// A condition that cannot be read.
    BROKEN_CONDITION = "S030", Error, "broken condition";
    /// A condition names a search identifier that the rule does not define.
    UNKNOWN_SELECTION = "S031", Error, "condition names an unknown search identifier";
    /// A condition with an aggregation behind `|`, which Sigma 2 replaced by correlations.
    AGGREGATION = "S032", Error, "aggregation in a condition";
    /// A condition with `N of` for another N than 1, which the specification does not have.
    COUNT_OF = "S033", Error, "unsupported quantifier";
    /// The conditions of a file repeat its searches too often: each search identifier that a condition names
    /// again, also by `1 of` and `all of`, repeats all that it searches for.
    /// A few kilobytes could ask for gigabytes of program. No rule that people write comes near the bound.
    CONDITION_TOO_LARGE = "S034", Error, "conditions beyond the bounds";

    /// An `action` that collections do not have: there are `global`, `reset` and `repeat`.
    UNKNOWN_ACTION = "S050", Error, "unknown action";
    /// A document with `action: repeat` and nothing before it to repeat.
    NOTHING_TO_REPEAT = "S051", Error, "nothing to repeat";
    /// A correlation or a filter that names an unknown rule, or a name that several rules have.
    /// Rules are named by `id` or `name`. A rule that was refused is not there either, so that what
    /// builds on it is refused with it.
    UNKNOWN_RULE = "S052", Error, "unknown rule";
    /// A `timespan` that is not a whole number and a unit.
    /// Units are `s`, `m`, `h`, `d` and, as in pySigma, `w`, `M` (a month of 30.4 days) and `y`; at most
    /// ten years.
    BROKEN_TIMESPAN = "S053", Error, "broken time span";
    /// A correlation's `condition` that cannot be evaluated: no comparison, one that is there twice, a
    /// threshold that is not a number, or `field` or `percentile` where it is needed or has no meaning.
    /// Several comparisons have to hold together, so that `gt` and `lte` make a range.
    /// A condition over names of rules (`a and not b`) has to name each of `rules`, which lists each once.
    BROKEN_THRESHOLD = "S054", Error, "broken condition of a correlation";
    /// Correlations that take each other in, so that none of them can be evaluated first.
    CIRCULAR_CORRELATION = "S055", Error, "circular correlation";
    /// An alias that names a rule which the correlation does not take in, or that nothing uses.
    BROKEN_ALIAS = "S056", Error, "broken alias";
    /// A filter that names a rule of another log source. As in pySigma it is not applied to that rule;
    /// the rule alerts as if the filter were not there.
    FILTER_OF_OTHER_LOGS = "S057", Warning, "filter of another log source";
    /// A key that correlations and filters do not have: misspelt, perhaps.
    /// A correlation that loses its `group-by` to a misspelling counts something else.
    UNKNOWN_CORRELATION_KEY = "S058", Error, "unknown key";
    /// A correlation beyond the bounds: it counts further than a gateway keeps events, or takes in too
    /// much.
    CORRELATION_TOO_LARGE = "S059", Error, "correlation beyond the bounds";
    /// A condition over names of rules that holds where none of them has an event, as `not b` alone.
    /// Silence is no event, so there would be nothing to evaluate it on.
    SILENT_CONDITION = "S060", Error, "condition that silence fulfils";
    /// A correlation that a gateway does not run: it needs more state than a gateway keeps, or more than is known
    /// with a request. It runs over logs, and the message says what is in the way. It does not change the exit
    /// code of `check`.
    HUNT_ONLY = "S061", Warning, "correlation for logs only";
}
