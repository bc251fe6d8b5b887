# Hand-written: what the files of the Zoo do not have.
Creator "somebody &quot;else&quot;"
graph [
  comment "a string
over two lines" # and a comment behind it
  hierarchic 1
  Network "Quirks &amp; more "
  node [ id 7 label "S&atilde;o Paulo" Latitude -23.55 Longitude -46.63 Country "Brazil" graphics [ x 1.0 y [ z 2 ] ] ]
  node [ id 3 label "São Paulo" Latitude -23.55 Longitude -46.63 Country "Brasil" ]
  node [ id -2 label "中央" lat 35.68 lon 139.76 Country "JP" ]
  node [ id 4 label "A label that goes on and on, far beyond what a name may hold, and further" ]
  node [ id 5 label "node--4 / (x)" Latitude 0 Longitude 0 ]
  node [ id 6 label "Hub" hyperedge 1 ]
  node [ id 8 label "site-Sao-Paulo-7" Latitude 35.68 Longitude 139.76 Country "United States" Internal 0 ]
  edge [ source +7 target 3 LinkSpeedRaw 1e400 ]
  edge [ source 3 target 07 LinkSpeedRaw 9953280000.0 LinkNote "x2" LinkType "OC-192" ]
  edge [ source -2 target 7 ]
  edge [ source 7 target -2 value 3 ]
  edge [ source 4 target 4 ]
  edge [ source 5 target 8 LinkLabel "5 to 8" ]
]
Version 1
