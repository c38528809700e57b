//! Nor is what holds a keyring.

use countersign::{Signer, Verifier};

fn same_signer(one: &Signer, other: &Signer) -> bool {
    one == other
}

fn same_verifier(one: &Verifier, other: &Verifier) -> bool {
    one == other
}

fn main() {
    let _ = (same_signer, same_verifier);
}
