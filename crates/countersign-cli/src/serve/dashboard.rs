//! The dashboard of a process that answers.

use axum::{Router, response::Redirect, routing::get};
use countersign_server::{AccessError, Dashboard};

use super::settings::Settings;
use crate::stop::Stop;

/// The dashboard, and whether it is reached from this machine alone.
pub(super) struct Opened {
    dashboard: Dashboard,
    is_here: bool,
}

impl Opened {
    /// Opens it where the process answers.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        let is_here = settings.listen.value.0.ip().is_loopback() && !settings.behind_tls_proxy.value;
        let dashboard = if is_here { Dashboard::new().on_loopback() } else { Dashboard::new() };
        settings.role.value.answers().then_some(Opened { dashboard, is_here })
    }

    /// Puts it on a server's router, and leads there who asks for no page of it.
    pub(super) fn on(&self, router: Router) -> Router {
        self.dashboard.on(router.route("/", get(async || Redirect::to(PATH))))
    }

    /// Ends what keeps pages up to date when the process is told to stop, which would wait for it.
    pub(super) async fn end_with(self, stop: Stop) {
        stop.told().await;
        self.dashboard.end_streams();
    }

    /// How to get in. A link is for who sits at this machine: elsewhere whoever reads the log could follow it.
    ///
    /// # Errors
    /// Where the operating system gives no random numbers.
    pub(super) fn invitation(&self, origin: &str) -> Result<String, AccessError> {
        if !self.is_here {
            return Ok(format!(
                "dashboard: {PATH} at the proxy's address; sign in with an admin's API key\n"
            ));
        }
        let link = self.dashboard.sign_in_link()?;
        Ok(format!("dashboard: {origin}{link}\n{LATER}\n"))
    }
}

const PATH: &str = "/dashboard";
const LATER: &str = "(signs you in once, within 10 minutes; later sign in with an admin's API key, or start again for a new link)";
