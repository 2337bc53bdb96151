//go:build tools

// Package tools pins the broker and its command line, which murmur/setup.sh builds where Go is there. A module of its
// own, because `go install …@version` asks for a list of all versions, which not every module proxy serves.
package tools

import (
	_ "github.com/nats-io/nats-server/v2"
	_ "github.com/nats-io/natscli/nats"
)
