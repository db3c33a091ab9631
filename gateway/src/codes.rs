//! The findings about keys, signatures and the configuration of gateways.

diagnostics::codes! {
    /// A file that is given as a key of Ed25519 is none.
    /// A secret key signs packs, and its public key is for gateways; each has its own kind of PEM file.
    BROKEN_KEY = "F020", Error, "no key";
    /// A pack is not signed, or by a key that is not among those that were given.
    /// A gateway with a `public_key` refuses it, and goes on with what it has.
    UNTRUSTED_PACK = "F021", Error, "untrusted pack";
    /// A gateway of this kind cannot be configured so.
    /// What it does not know would be left out, and nobody would miss it until it is needed.
    UNSUITABLE_GATEWAY = "F022", Error, "not for this gateway";
}
