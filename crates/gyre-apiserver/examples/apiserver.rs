//! Serves the API on an address: `apiserver ADDRESS [TOKEN] [--simulation] [--plain] [--data DIR]`.

use std::net::SocketAddr;

use gyre_apiserver::{Server, Storage, Tls};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (mut address, mut token, mut simulation, mut plain, mut storage) =
        (None, None, false, false, Storage::Memory);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--simulation" => simulation = true,
            "--plain" => plain = true,
            "--data" => storage = Storage::Directory(words.next().unwrap_or_default().into()),
            _ if address.is_none() => address = Some(word.parse::<SocketAddr>()?),
            _ => token = Some(word),
        }
    }
    let mut builder = Server::builder().storage(storage).simulation(simulation);
    if let Some(token) = &token {
        builder = builder.token(token);
    }
    let server = builder.start()?;
    let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let tls = if plain { None } else { Some(Tls::make(&["127.0.0.1", "localhost"])?) };
    let listening = server.listen(address, tls).await?;
    println!("{}", listening.kubeconfig(token.as_deref()));
    listening.stopped().await;
    Ok(())
}
