use apikeys_core::{Clock, http::Headers};

#[cfg(feature = "page")]
use crate::SettingsPage;
use crate::{Admin, AdminApi, AdminRequest, PlainResponse};

/// What a framework serves: the management API alone, or with the settings page.
#[derive(Debug, Clone)]
pub(crate) enum Mounted {
    Api(AdminApi),
    #[cfg(feature = "page")]
    Page(SettingsPage),
}

impl Mounted {
    pub(crate) async fn handle<H>(&self, admin: Option<&Admin>, request: AdminRequest<'_, H>) -> PlainResponse
    where
        H: Headers + ?Sized,
    {
        match self {
            Self::Api(api) => api.handle(admin, request).await,
            #[cfg(feature = "page")]
            Self::Page(page) => page.handle(admin, request).await,
        }
    }

    pub(crate) fn body_limit(&self, admin: Option<&Admin>, method: &str, path: &str) -> Option<usize> {
        self.api().body_limit(admin, method, path)
    }

    /// Returns the engine's clock, which limits the time for which adapters wait for a body.
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.api().clock()
    }

    fn api(&self) -> &AdminApi {
        match self {
            Self::Api(api) => api,
            #[cfg(feature = "page")]
            Self::Page(page) => &page.api,
        }
    }
}
