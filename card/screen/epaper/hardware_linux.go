package epaper

import (
	_ "periph.io/x/host/v3/gpioioctl" // GPIO through /dev/gpiochip
	_ "periph.io/x/host/v3/sysfs"     // SPI through /dev/spidev
)
