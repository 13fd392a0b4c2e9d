// Package doctor finds out why the nodes of a farm refuse a credential, and
// which setting would make them read it. It is for the operator, offline: it
// says what the request path must not say, and only cmd/webfarm imports it.
//
// A [Node] is one web.config, read so that a faulty <machineKey> is a finding
// and no obstacle. [Examine] takes nodes and what somebody pasted:
//
//	header ── locate ──► found          one credential, its chunks, its text
//	            │
//	            ├─ Node.read            as that node does: if it reads, all is well
//	            ├─ look                 what needs no key: DPAPI, certificates, ASP.NET Core, cut off
//	            └─ search               every repair of the text
//	                 ├─ carriers          × every way to write bytes as text
//	                 ├─ signatures        × key × algorithm × purpose: whose signature is it?
//	                 └─ open              × key × cipher × format: the real codecs of sessiontoken
//	                      │
//	                      └─ hit.differences(node) ──► Finding: code, sentence, fix (findings.txt)
//
// Only what a MAC has confirmed is called authentic. Behind a signature a wrong
// decryption key may still pass the padding, once in 256 times: contents that do
// not read then speak for no key.
//
// Only keys of the given files are tried: nothing is guessed.
// What was tried is counted, and bounded by limits.go.
//
// [Compare] says what differs between two nodes that matters for sharing
// cookies, and proves for each credential whether one reads what the other
// issues.
//
// No report holds a key, the value of a cookie, or a claim; of an authentic
// credential it holds the user's name and the times.
package doctor
