"""Scripts for maintainers: training of the shipped files, figures and tables of the documents."""
