package redisstore

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// A value in Redis is
//
//	byte    1, the version
//	int64   deadline, milliseconds since 1970 in UTC, big-endian
//	...     the data, which the codecs have encrypted and authenticated
const (
	entryVersion = 1
	entryHead    = 1 + 8
)

// errNotOurs is a verdict, not an outage: the entry will not get better.
var errNotOurs = fmt.Errorf("%w (redisstore: the value in Redis has another form)",
	sessiontoken.ErrInvalid)

func roundDown(at time.Time) time.Time { return time.UnixMilli(at.UnixMilli()) }

func appendEntry(dst []byte, expires time.Time, data []byte) []byte {
	dst = append(dst, entryVersion)
	dst = binary.BigEndian.AppendUint64(dst, uint64(expires.UnixMilli()))
	return append(dst, data...)
}

// parseEntry takes a value apart; data is the rest of it.
func parseEntry(value []byte) (data []byte, expires time.Time, ok bool) {
	if len(value) < entryHead || value[0] != entryVersion {
		return nil, time.Time{}, false
	}
	return value[entryHead:], time.UnixMilli(int64(binary.BigEndian.Uint64(value[1:]))), true
}
