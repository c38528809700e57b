use actix_web::{HttpResponse, web};
use countersign::{Keyring, Verifier, catalog};
use countersign_actix::{VerifiedBody, Webhooks};

fn webhooks(secret: &str) -> Result<Webhooks, Box<dyn std::error::Error>> {
    let scheme = catalog::find("standard-webhooks").ok_or("no such scheme")?.clone();
    let keys = Keyring::new(&scheme, [secret])?;
    Ok(Webhooks::new(Verifier::builder(scheme).keys(keys).build()?))
}

fn routes(webhooks: Webhooks) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config.service(web::resource("/hooks").wrap(webhooks).route(web::post().to(receive)));
    }
}

/// Nothing but verified requests comes here.
async fn receive(verified: VerifiedBody) -> HttpResponse {
    println!("{} bytes, event {}", verified.bytes().len(), verified.idempotency_key().as_str());
    HttpResponse::Ok().finish()
}
