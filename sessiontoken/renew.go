package sessiontoken

import "time"

// renew returns a copy of t that is valid from now on for another lifetime of
// t, if t is due: when no more than half of its own time, clock skew included,
// is left, and it has not expired.
//
//	0 < ValidTo + skew - now  <=  (ValidTo - ValidFrom + skew) / 2
//
// WIF itself never renews; this is the rule of the sliding sessions that most
// sites use (Thinktecture.IdentityModel). Unlike there, where the new token gets
// a new ContextID and no EndpointID, all else is kept: the identifiers, the
// endpoint, the context, persistence and reference mode, and KeyEffective, so
// that it tells the time of the sign-in; see signedIn.
//
// WIF 1.0 refuses a key that is older than its token
// (SecurityContextSecurityToken): KeyEffective must be ValidFrom there.
func (t *Token) renew(now time.Time, skew time.Duration) (*Token, bool) {
	whole := t.ValidTo.Sub(t.ValidFrom)
	left := t.ValidTo.Add(skew).Sub(now)
	if left <= 0 || left > (whole+skew)/2 {
		return nil, false
	}
	renewed := *t
	renewed.ValidFrom = now.UTC().Truncate(100 * time.Nanosecond)
	renewed.ValidTo = renewed.ValidFrom.Add(whole)
	renewed.KeyExpires = renewed.ValidTo
	return &renewed, true
}

// signedIn returns when the session began: KeyEffective, which is ValidFrom
// in a new token and stays when renew moves ValidFrom. .NET keeps it
// and never looks at it. A KeyEffective after ValidFrom, or in the year 1,
// where .NET has its zero time, says nothing, and ValidFrom counts. A .NET node
// with sliding sessions of its own makes a new token, and so a new beginning.
func (t *Token) signedIn() time.Time {
	if t.KeyEffective.Year() <= 1 || t.KeyEffective.After(t.ValidFrom) {
		return t.ValidFrom
	}
	return t.KeyEffective
}
