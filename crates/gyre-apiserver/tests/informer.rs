//! The informers of kube-rs against the server in process: what they hold is what is there, whatever happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use gyre_apiserver::Server;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use kube::{Api, Client, ResourceExt as _};

fn client(server: &Server) -> Client {
    Client::new(server.service(), "default")
}

fn map(name: &str, label: &str) -> ConfigMap {
    let labels = BTreeMap::from([("app".to_owned(), label.to_owned())]);
    let metadata = ObjectMeta { name: Some(name.into()), labels: Some(labels), ..ObjectMeta::default() };
    ConfigMap { metadata, ..ConfigMap::default() }
}

/// Looks until a store holds these.
async fn comes_to_hold(store: &reflector::Store<ConfigMap>, wanted: &[&str]) {
    let held = || {
        let mut names: Vec<String> = store.state().iter().map(|it| it.name_any()).collect();
        names.sort();
        names
    };
    let looks = async {
        while held() != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), looks).await;
    assert!(found.is_ok(), "wanted {wanted:?}, found {:?}", held());
}

async fn follows(config: watcher::Config) {
    let server = Server::builder().start().unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client(&server), "default");
    maps.create(&PostParams::default(), &map("a", "x")).await.unwrap();
    maps.create(&PostParams::default(), &map("other", "y")).await.unwrap();
    let (store, writer) = reflector::store();
    let stream =
        watcher(maps.clone(), config.labels("app=x")).default_backoff().reflect(writer).applied_objects();
    let task = tokio::spawn(async move {
        let mut stream = pin!(stream);
        while stream.next().await.is_some() {}
    });
    store.wait_until_ready().await.unwrap();
    comes_to_hold(&store, &["a"]).await;
    maps.create(&PostParams::default(), &map("b", "x")).await.unwrap();
    comes_to_hold(&store, &["a", "b"]).await;
    // What is selected no longer is gone, and what is selected now is there.
    let patch = |label: &str| Patch::Merge(serde_json::json!({"metadata": {"labels": {"app": label}}}));
    maps.patch("a", &PatchParams::default(), &patch("z")).await.unwrap();
    maps.patch("other", &PatchParams::default(), &patch("x")).await.unwrap();
    comes_to_hold(&store, &["b", "other"]).await;
    let apply = PatchParams::apply("informer").force();
    maps.patch("b", &apply, &Patch::Apply(map("b", "x"))).await.unwrap();
    maps.delete("other", &DeleteParams::default()).await.unwrap();
    comes_to_hold(&store, &["b"]).await;
    for number in 0..50 {
        maps.create(&PostParams::default(), &map(&format!("many-{number}"), "x")).await.unwrap();
    }
    maps.delete_collection(&DeleteParams::default(), &kube::api::ListParams::default().labels("app=x"))
        .await
        .unwrap();
    comes_to_hold(&store, &[]).await;
    task.abort();
}

#[tokio::test]
async fn an_informer_that_lists_and_watches_follows() {
    follows(watcher::Config::default().page_size(2)).await;
}

#[tokio::test]
async fn an_informer_that_streams_its_list_follows() {
    follows(watcher::Config::default().streaming_lists()).await;
}

/// Hundreds side by side, as tests start them.
#[tokio::test]
async fn hundreds_of_servers_live_side_by_side() {
    let servers: Vec<Server> = (0..300).map(|_| Server::builder().start().unwrap()).collect();
    for (number, server) in servers.iter().enumerate() {
        let maps: Api<ConfigMap> = Api::namespaced(client(server), "default");
        maps.create(&PostParams::default(), &map(&format!("of-{number}"), "x")).await.unwrap();
    }
    for (number, server) in servers.iter().enumerate() {
        let maps: Api<ConfigMap> = Api::namespaced(client(server), "default");
        let list = maps.list(&kube::api::ListParams::default()).await.unwrap();
        let names: Vec<String> = list.items.iter().map(kube::ResourceExt::name_any).collect();
        assert_eq!(names, [format!("of-{number}")]);
    }
}
