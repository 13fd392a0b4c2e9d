module github.com/webfarm-go/webfarm

go 1.25.0
