package main

import "strings"

// formsRoles is the flag -forms-roles: the separator of roles in the user data of forms tickets,
// empty if that holds no roles. The user data belongs to the site, whose code reads roles from it.
type formsRoles string

func (f *formsRoles) set(separator string) error {
	if separator == "" {
		return usageError("a separator is missing, such as a comma")
	}
	*f = formsRoles(separator)
	return nil
}

// reader returns the function for FormsOptions.Roles, nil without the flag.
func (f formsRoles) reader() func(userData string) []string {
	if f == "" {
		return nil
	}
	return f.roles
}

// roles returns the roles in the user data, without the blanks around them.
func (f formsRoles) roles(userData string) []string {
	var list []string
	for role := range strings.SplitSeq(userData, string(f)) {
		if role = strings.TrimSpace(role); role != "" {
			list = append(list, role)
		}
	}
	return list
}
