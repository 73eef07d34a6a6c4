// Command shop runs one of the shop's parts, each of which panics.
package main

import (
	"fmt"
	"os"

	"example.com/shop/basket"
	"example.com/shop/checkout"
	"example.com/shop/stock"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: shop basket|stock|checkout")
		os.Exit(2)
	}
	switch os.Args[1] {
	case "basket":
		fmt.Println(basket.Count([]basket.Line{{Article: "tea", Pieces: 2}}))
	case "stock":
		shelf := stock.NewShelf(10)
		fmt.Println(shelf.Put("tea", 3))
	case "checkout":
		fmt.Println(checkout.Discounts("a stranger", "SPRING"))
	}
}
