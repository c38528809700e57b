//! The body of a proof can't be exchanged for another.

use countersign::Verified;

fn exchanged(proof: &mut Verified<'static, Vec<u8>>) {
    proof.body = b"{}".to_vec();
    *proof.body_ref() = b"{}".to_vec();
}

fn main() {
    let _ = exchanged;
}
