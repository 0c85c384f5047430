use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use apikeys_test_leftovers::target;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::Browser;

/// The parameters of a picture of what the window shows.
pub(crate) static ONE_SHOT: LazyLock<Value> = LazyLock::new(|| json!({ "format": "png" }));

/// The highest page, in CSS pixels, that a picture shows as a whole.
const HIGHEST: u64 = 4_000;

/// The window of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// A window with 1280 × 800 pixels.
    Desktop,
    /// A phone with 360 × 740 CSS pixels and a touch screen.
    Phone,
}

/// The color scheme that a reader prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// Dark text on a light background.
    Light,
    /// Light text on a dark background.
    Dark,
}

impl Browser {
    /// Shows the page on a device with a color scheme. Animations are off, as for readers who ask for that.
    pub async fn show(&self, device: Device, scheme: Scheme) {
        let (width, height, scale, mobile) = match device {
            Device::Desktop => (1280, 800, 1, false),
            Device::Phone => (360, 740, 2, true),
        };
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let touch = json!({ "enabled": mobile, "maxTouchPoints": 1 });
        self.devtools("Emulation.setTouchEmulationEnabled", touch).await;
        let scheme = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Writes pictures of the page on both devices in both schemes, as `NAME-desktop-light.png` and so on, into the folder
    /// `screenshots` of the target folder. The page is shown on the desktop in the light scheme afterwards.
    pub async fn screenshots(&self, name: &str) {
        for device in [Device::Phone, Device::Desktop] {
            for scheme in [Scheme::Dark, Scheme::Light] {
                self.screenshot(name, device, scheme).await;
            }
        }
    }

    /// Writes one of these pictures, and leaves the page on the device in the scheme.
    pub async fn screenshot(&self, name: &str, device: Device, scheme: Scheme) {
        self.show(device, scheme).await;
        let ending = match (device, scheme) {
            (Device::Phone, Scheme::Dark) => "phone-dark",
            (Device::Phone, Scheme::Light) => "phone-light",
            (Device::Desktop, Scheme::Dark) => "desktop-dark",
            (Device::Desktop, Scheme::Light) => "desktop-light",
        };
        self.capture(&folder().join(format!("{name}-{ending}.png"))).await;
    }

    /// Writes a picture of the whole page, or of the window while a dialog is open.
    async fn capture(&self, file: &Path) {
        // A frame after the change of size shows the final layout.
        let size = "const frame = () => new Promise(requestAnimationFrame);
            await frame(); await frame();
            const page = document.documentElement;
            return document.querySelector('dialog[open]') ? null : [page.scrollWidth, page.scrollHeight]";
        let size = self.script(&format!("return (async () => {{ {size} }})()"), Vec::new()).await;
        let mut parameters = ONE_SHOT.clone();
        if let (Some(width), Some(height)) = (size[0].as_u64(), size[1].as_u64()) {
            parameters["captureBeyondViewport"] = true.into();
            parameters["clip"] =
                json!({ "x": 0, "y": 0, "width": width, "height": height.min(HIGHEST), "scale": 1 });
        }
        write(file, &self.devtools("Page.captureScreenshot", parameters).await);
    }
}

/// The folder of all pictures.
pub(crate) fn folder() -> PathBuf {
    target().join("screenshots")
}

/// Writes the picture that the command `Page.captureScreenshot` returned.
pub(crate) fn write(file: &Path, image: &Value) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, STANDARD.decode(image["data"].as_str().unwrap()).unwrap()).unwrap();
}
