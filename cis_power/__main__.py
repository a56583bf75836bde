from cis_power.cli import main

main()
