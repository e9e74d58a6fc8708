//! What the `OpenAPI` description says of the API as a whole. What it says of a route stands at the route.

use contracts::{Problem, problem::FieldProblem};
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Description, Ref, ResponseBuilder,
        path::{Operation, PathItem},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Troupe",
        description = "Put AI agents to work: talk to them, follow what they do, stop them.\n\n\
            Errors are problem documents (RFC 9457) with a stable `code` and the request id. Lists are pages: ask again with \
            `next_cursor` as `cursor`. A `POST` with an `Idempotency-Key` counts once, however often it is sent. Times are RFC 3339 in \
            UTC, ids are UUIDv7. What belongs to somebody else is not found.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(Problem, FieldProblem)),
    security(("key" = []), ("session" = [])),
    tags(
        (name = "identity", description = "Signing up, in and out; keys for programs."),
        (name = "agents", description = "Who there is to talk to."),
        (name = "chat", description = "Conversations and messages."),
        (name = "runs", description = "What agents do, as it happens and afterwards."),
    ),
)]
struct Preamble;

/// The description without routes.
pub fn preamble() -> Description {
    let mut description = Preamble::openapi();
    let components = description.components.get_or_insert_default();
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("trp_…").description(Some("An API key.")).build();
    components.add_security_scheme("key", SecurityScheme::Http(key));
    let cookie = ApiKeyValue::with_description("__Host-troupe", "A browser's session. Over plain http on this machine the cookie is called `troupe`.");
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    description
}

/// Says at every route what all routes share: how errors look.
pub fn finish(description: &mut Description) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let problem = ResponseBuilder::new().description("What went wrong.").content("application/problem+json", content).build();
    for item in description.paths.paths.values_mut() {
        for operation in operations(item) {
            operation.responses.responses.entry("default".to_owned()).or_insert_with(|| problem.clone().into());
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}
