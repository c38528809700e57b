//! What a person does with a browser: looks for words, presses what bears them, fills in what they label.

use std::{fs, path::PathBuf, time::Duration};

use base64ct::{Base64, Encoding};
use fantoccini::{Locator, elements::Element, error::CmdError, key::Key};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{chromium::Chromium, site::Site};

/// A browser at a site.
pub(crate) struct Browser {
    pub(crate) chromium: Chromium,
    origin: String,
}

impl Browser {
    /// A browser that isn't signed in. `None` where there is no Chromium.
    pub(crate) async fn at(site: &Site) -> Option<Browser> {
        let browser = Browser { chromium: Chromium::start().await?, origin: site.origin.clone() };
        browser.size(1280, 900).await;
        browser.chromium.ask("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        Some(browser)
    }

    /// A browser that is.
    pub(crate) async fn signed_in(site: &Site) -> Option<Browser> {
        let browser = Browser::at(site).await?;
        browser.sign_in(site).await;
        Some(browser)
    }

    pub(crate) async fn sign_in(&self, site: &Site) {
        self.open(&site.dashboard.sign_in_link().unwrap()).await;
        self.press("Sign in").await;
        self.sees("Attempts over time").await;
    }

    pub(crate) async fn open(&self, path: &str) {
        self.chromium.client.goto(&format!("{}{path}", self.origin)).await.unwrap();
    }

    /// The path of the page.
    pub(crate) async fn path(&self) -> String {
        self.chromium.client.current_url().await.unwrap().path().to_owned()
    }

    /// The text of the page, as it is seen, in one line.
    pub(crate) async fn text(&self) -> String {
        let text = self.element(Locator::Css("body")).await.text().await.unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Waits until the page says this.
    pub(crate) async fn sees(&self, words: &str) {
        let said = async || self.text().await.contains(words);
        if !eventually(said).await {
            panic!("{words:?} is not on {}: {}", self.path().await, self.text().await);
        }
    }

    /// Presses the button or link that bears these words.
    pub(crate) async fn press(&self, words: &str) {
        let xpath = format!("//*[self::a or self::button][normalize-space()='{words}']");
        // What is live can be replaced between being found and being pressed.
        let pressed = async || self.find_and(&xpath, async |element| element.click().await).await;
        if !eventually(pressed).await {
            panic!("{words:?} can't be pressed on {}: {}", self.path().await, self.text().await);
        }
    }

    /// Writes into the field of this label.
    pub(crate) async fn write(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses what bears these words in the list of this label.
    pub(crate) async fn choose(&self, label: &str, words: &str) {
        self.field(label).await.select_by_label(words).await.unwrap();
    }

    /// What the field of this label holds.
    pub(crate) async fn written(&self, label: &str) -> String {
        self.field(label).await.prop("value").await.unwrap().unwrap()
    }

    /// The text of the first element that a CSS selector finds.
    pub(crate) async fn text_of(&self, selector: &str) -> String {
        self.element(Locator::Css(selector)).await.text().await.unwrap()
    }

    /// Moves on with `Tab` until the keyboard is at what bears these words.
    pub(crate) async fn tab_to(&self, words: &str) {
        let mut passed = Vec::new();
        while passed.len() < 100 {
            self.key(Key::Tab).await;
            let focused = self.focused().await;
            if focused == words {
                return;
            }
            passed.push(focused);
        }
        panic!("Tab doesn't lead to {words:?}, but to {passed:?}");
    }

    /// Writes where the keyboard is.
    pub(crate) async fn type_here(&self, text: &str) {
        self.chromium.client.active_element().await.unwrap().send_keys(text).await.unwrap();
    }

    /// Presses a key.
    pub(crate) async fn key(&self, key: Key) {
        self.type_here(&char::from(key).to_string()).await;
    }

    /// The words or the label of what the keyboard is at.
    async fn focused(&self) -> String {
        let script = "const e = document.activeElement; return e.labels?.[0]?.innerText ?? e.innerText ?? ''";
        self.run(script).await.as_str().unwrap().trim().to_owned()
    }

    /// Runs a script, and gives what it returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.chromium.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Makes the page this large.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.chromium.ask("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Prefers this colour scheme, `light` or `dark`.
    pub(crate) async fn scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.chromium.ask("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Runs no script of a page from now on.
    pub(crate) async fn without_scripts(&self) {
        self.chromium.ask("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// A picture of what the window shows, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        self.captured(json!({ "format": "png" })).await
    }

    async fn captured(&self, asked: Value) -> Vec<u8> {
        let answer = self.chromium.ask("Page.captureScreenshot", asked).await;
        Base64::decode_vec(answer["data"].as_str().unwrap()).unwrap()
    }

    /// Keeps a picture of the whole page in `target/browser`.
    pub(crate) async fn keep(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser");
        fs::create_dir_all(&folder).unwrap();
        let whole = self.captured(json!({ "format": "png", "captureBeyondViewport": true })).await;
        fs::write(folder.join(format!("{name}.png")), whole).unwrap();
    }

    /// Checks that the console is empty: no mistake of a script, nothing that the policy has refused. The
    /// statuses of pages stand there too, and advice.
    pub(crate) async fn check_console(&self) {
        let mut log = self.chromium.log().await;
        log.retain(|entry| entry["source"] != "network" && entry["level"] != "DEBUG");
        assert!(log.is_empty(), "{log:?}");
    }

    async fn field(&self, label: &str) -> Element {
        let xpath = format!(
            "//*[@id = //label[normalize-space()='{label}']/@for or \
             (self::input and ancestor::label[normalize-space()='{label}'])]"
        );
        self.element(Locator::XPath(&xpath)).await
    }

    async fn element(&self, locator: Locator<'_>) -> Element {
        self.chromium.client.wait().at_most(PATIENCE).for_element(locator).await.unwrap()
    }

    /// Does something with the first element that is seen, and says whether that could be done.
    async fn find_and(&self, xpath: &str, act: impl AsyncFn(&Element) -> Result<(), CmdError>) -> bool {
        let found = self.chromium.client.find_all(Locator::XPath(xpath)).await.unwrap_or_default();
        for element in found {
            if matches!(element.is_displayed().await, Ok(true)) {
                return act(&element).await.is_ok();
            }
        }
        false
    }
}

/// Asks until it is so, and says whether it came to be in time.
pub(crate) async fn eventually(is: impl AsyncFn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if is().await {
            return true;
        }
        sleep(Duration::from_millis(50)).await;
    }
    false
}

const PATIENCE: Duration = Duration::from_secs(30);
