//! The console: where the page is, where it is not, and what it may do.

use axum::body::Body;

use super::house::{House, request};

#[tokio::test]
async fn the_page_is_at_its_own_paths_and_nowhere_else() {
    let house = House::new();
    let built = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("console/dist/index.html").is_file();
    for path in ["/", "/calls", "/calls/call_0123456789abcdefghjkmnpqrs", "/phone", "/patients", "/patients/pat_0123456789abcdefghjkmnpqrs"]
    {
        let page = house.ask_as(None, "GET", path, None).await;
        assert_eq!(page.status.as_u16(), if built { 200 } else { 404 }, "{path}");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert!(built || page.text.contains("make console"), "{}", page.text);
    }
    for path in [
        "/index.html",
        "/callss",
        "/calls/a/b",
        "/assets",
        "/assets/none.js",
        "/assets/..%2findex.html",
        "/assets/.gitignore",
        "/v1/console",
    ] {
        assert_eq!(house.ask_as(None, "GET", path, None).await.error(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
    assert_eq!(house.ask_as(None, "POST", "/calls", None).await.error().0, 405);
}

#[tokio::test]
async fn a_file_may_be_kept_for_ever_and_comes_packed_to_who_takes_it_so() {
    let house = House::new();
    let page = house.ask_as(None, "GET", "/", None).await.text;
    let Some(script) = page.split('"').find(|part| part.starts_with("/assets/") && part.ends_with(".js")) else {
        return eprintln!("skipped: the console is not built (make console does it)");
    };
    let plain = house.ask_as(None, "GET", script, None).await;
    assert_eq!(plain.headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(plain.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!((plain.headers["vary"].to_str().unwrap().contains("Accept-Encoding"), plain.headers.get("content-encoding")), (true, None));
    let packed = house.send(request("GET", script).header("accept-encoding", "br, gzip").body(Body::empty()).unwrap()).await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert!(packed.text.len() < plain.text.len());
}
