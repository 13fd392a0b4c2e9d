// Package machinekey protects and unprotects data as System.Web does with the
// <machineKey> that the nodes of an ASP.NET farm share.
package machinekey
