//! Figures for Prometheus. For this machine and its private networks; the public finds nothing here.

use std::{net::IpAddr, sync::OnceLock};

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::http::{client::Client, problem::Refusal};

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Starts to count: once in a process, however often it is asked.
pub fn start() -> PrometheusHandle {
    let handle = RECORDER.get_or_init(|| {
        let buckets = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS);
        let recorder = buckets.unwrap_or_default().build_recorder();
        let handle = recorder.handle();
        // Another recorder may already be there in a test: its figures are then not ours to show.
        let _ = metrics::set_global_recorder(recorder);
        handle
    });
    handle.clone()
}

/// The figures.
pub async fn metrics(client: Client) -> Response {
    let near = !client.relayed && is_private(client.address);
    match RECORDER.get().filter(|_| near) {
        Some(handle) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response(),
        None => Refusal::no_such_route().into_response(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
