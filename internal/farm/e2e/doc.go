// Package e2e has tests only: a whole farm on one machine, with a browser in
// front of it. See docs/farm.md.
//
//	Chromium ─┐                     ┌─ go1 ───┐
//	          ├─ TLS ─ nginx ───────┼─ go2 ───┼─ Redis
//	net/http ─┘          │          └─ dotnet    (C# on Mono)
//	                     │
//	                     └─ /app/: auth_request to the gateway, then a service
//	                        that knows nothing of cookies
//
// It is a module of its own for the clients of Chromium and Redis.
package e2e
