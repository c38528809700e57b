//! How pages look: on a narrow screen, in the dark, and in pictures of a day at a billing company.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    browser::Browser,
    sample::{self, Sample},
    site::Site,
};

async fn with_a_day() -> Option<(Site, Sample, Browser)> {
    let site = Site::start().await;
    let browser = Browser::at(&site).await?;
    let sample = sample::fill(&site).await;
    browser.sign_in(&site).await;
    Some((site, sample, browser))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_screen_is_not_scrolled_sideways() {
    let Some((_site, sample, browser)) = with_a_day().await else { return };
    browser.size(375, 812).await;
    for (name, path) in sample.pages() {
        browser.open(&path).await;
        let wide = browser.run(WIDTH).await;
        browser.keep(&format!("{name}-narrow")).await;
        assert!(wide.as_u64().unwrap() <= 375, "{path} is {wide} wide");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_is_told_from_what_is_behind_it_in_light_and_in_dark() {
    let Some((_site, sample, browser)) = with_a_day().await else { return };
    for scheme in ["light", "dark"] {
        browser.scheme(scheme).await;
        for (name, path) in sample.pages() {
            browser.open(&path).await;
            browser.keep(&format!("{name}-{scheme}")).await;
            let faint = browser.run(FAINT).await;
            assert_eq!(faint, Value::Array(Vec::new()), "{path} in {scheme}: contrast below 4.5");
        }
    }
    browser.check_console().await;
}

/// The pictures of the README: written where `SCREENSHOTS` is set.
#[tokio::test(flavor = "multi_thread")]
async fn the_pictures_of_the_readme_are_small() {
    let Some((_site, sample, browser)) = with_a_day().await else { return };
    let pictures = [("dashboard-overview", "/dashboard"), ("dashboard-delivery", &sample.delivery)];
    for (name, path) in pictures {
        browser.size(1200, 860).await;
        browser.open(path).await;
        let picture = browser.picture().await;
        assert!(picture.len() < 120 << 10, "{name} has {} bytes", picture.len());
        if std::env::var_os("SCREENSHOTS").is_some() {
            let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
            fs::create_dir_all(&docs).unwrap();
            fs::write(docs.join(format!("{name}.png")), picture).unwrap();
        }
    }
}

const WIDTH: &str = "return document.documentElement.scrollWidth";

/// The texts whose colour is nearer to what is behind them than WCAG's 4.5 to 1.
const FAINT: &str = r"
    const channels = colour => colour.match(/[\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => [r, g, b]
        .map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        for (let e = element; e; e = e.parentElement) {
            const colour = channels(getComputedStyle(e).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
            if (colour[3] !== 0) return channels('rgb(128, 128, 128)');
        }
        return channels('rgb(255, 255, 255)');
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const faint = [];
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || element.closest('svg, option, script')) continue;
        const [a, b] = [channels(getComputedStyle(element).color), behind(element)].map(luminance);
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) faint.push(`${texts.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
    }
    return faint;
";
