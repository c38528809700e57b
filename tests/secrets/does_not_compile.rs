//! What a program must not be able to say: each file beside this one fails to compile, and for the reason
//! that its `.stderr` shows. `TRYBUILD=overwrite` writes them anew.

#[test]
fn adv_14_secrets_are_not_compared_and_a_proof_is_not_made_up() {
    trybuild::TestCases::new().compile_fail("does_not_compile/*.rs");
}
