module github.com/webfarm-go/webfarm/cmd/webfarm

go 1.25.0

require github.com/webfarm-go/webfarm v0.1.0
