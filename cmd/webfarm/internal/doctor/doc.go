// Package doctor finds out why the nodes of a farm refuse a credential, and which setting would make
// them read it. It is for operators only: it reveals reasons that the request path must hide.
//
// A [Node] is one web.config. A faulty <machineKey> becomes a finding. [Examine] takes nodes and
// pasted text:
//
//	header ── locate ──► found          one credential, its chunks, its text
//	            │
//	            ├─ Node.read            as that node reads it
//	            ├─ look                 what needs no key: DPAPI, certificates, foreigners, cut off
//	            └─ search               every repair of the text
//	                 ├─ carriers          × every way to write bytes as text
//	                 ├─ signatures        × key × algorithm × purpose: whose signature is it?
//	                 └─ open              × key × cipher × format: the real codecs of sessiontoken
//	                      │
//	                      └─ hit.differences(node) ──► Finding: code, sentence, fix (findings.txt)
//
// Data is called authentic only after a MAC has confirmed it. One wrong decryption key in 256 passes
// the padding behind a valid signature. Unreadable contents are no evidence for that key.
//
// Only keys of the given files are tried. The attempts are counted, and limits.go bounds them.
//
// [Compare] lists the differences between two nodes that affect shared cookies (settings.txt), also
// in how they set them. It proves for each credential whether one node reads what the other issues.
// No fix proposes the weaker of two values.
//
// No report holds a key, the value of a cookie or a claim. For an authentic credential it holds the
// user's name and the times.
package doctor
