//! The HTTP client of all remote stores: a GET that succeeds in an odd way (202, 203, 204, ...) is an error, since
//! `object_store` takes any success for the object, and an empty one would read as fill values.

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};

#[derive(Debug, Default)]
pub(super) struct StrictConnector(ReqwestConnector);

#[derive(Debug)]
struct StrictClient(HttpClient);

#[derive(Debug, thiserror::Error)]
#[error("status {0}, expected 200 or 206")]
struct OddSuccess(u16);

impl HttpConnector for StrictConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(StrictClient(self.0.connect(options)?)))
    }
}

#[async_trait]
impl HttpService for StrictClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_get = request.method().as_str() == "GET";
        let response = self.0.execute(request).await?;
        let status = response.status();
        if is_get && status.is_success() && !matches!(status.as_u16(), 200 | 206) {
            let odd = OddSuccess(status.as_u16());
            return Err(HttpError::new(HttpErrorKind::Decode, odd));
        }
        Ok(response)
    }
}
