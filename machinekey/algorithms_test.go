package machinekey_test

import "github.com/webfarm-go/webfarm/machinekey"

// All values of the attributes, one that none has, and the empty one, which fuzz
// targets count through.
var (
	validations = []machinekey.Validation{"", machinekey.HMACSHA1, machinekey.HMACSHA256,
		machinekey.HMACSHA384, machinekey.HMACSHA512, machinekey.InsecureMD5,
		machinekey.LegacyTripleDES, machinekey.LegacyAES, "ROT13"}
	decryptions = []machinekey.Decryption{machinekey.Auto, machinekey.AES,
		machinekey.InsecureTripleDES, machinekey.InsecureDES, "ROT13", ""}
	modes = []machinekey.Mode{"", machinekey.Framework20SP1, machinekey.Framework20SP2,
		machinekey.Framework45, "Framework46"}
	everyProtection = append(protections[:3:3], machinekey.InsecureProtectionNone)
)
