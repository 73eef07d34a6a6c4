// Package checkout makes the bill.
package checkout

import "example.com/shop/discount"

// Discounts returns what a customer with a voucher gets off, in percent by article.
func Discounts(customer, voucher string) map[string]int {
	percent := discount.For(customer)
	if voucher == "SPRING" {
		percent["tea"] += 15
	}
	return percent
}

// Everybody returns what customers without an account get off.
func Everybody(voucher string) map[string]int {
	percent := discount.ForAll()
	if voucher == "SPRING" {
		percent["tea"] += 15
	}
	return percent
}
