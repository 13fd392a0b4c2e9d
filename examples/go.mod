module github.com/webfarm-go/webfarm/examples

go 1.25.0

require (
	github.com/go-chi/chi/v5 v5.5.0
	github.com/redis/go-redis/v9 v9.22.0
	github.com/webfarm-go/webfarm v0.1.0
	github.com/webfarm-go/webfarm/sessiontoken/redisstore v0.1.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	go.uber.org/atomic v1.11.0 // indirect
	golang.org/x/sys v0.30.0 // indirect
)
